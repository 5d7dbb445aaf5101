// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

/** While one lives, what libbpf prints on this thread is kept instead of printed. */
class LibbpfLog {
public:
  LibbpfLog();
  ~LibbpfLog();
  LibbpfLog(const LibbpfLog &) = delete;
  /** The end of it: verifier logs are long. */
  std::string text() const;

private:
  std::string text_;
  LibbpfLog *outer_;
};
