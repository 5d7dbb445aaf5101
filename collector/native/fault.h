// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stdexcept>
#include <string>

/** A typed error on its way to JavaScript, where it becomes a CaptureError. Codes: collector/src/native.ts. */
struct Fault : std::runtime_error {
  const char *code;
  std::string detail;
  Fault(const char *code, const std::string &message, std::string detail = "")
      : std::runtime_error(message), code(code), detail(std::move(detail)) {}
};
