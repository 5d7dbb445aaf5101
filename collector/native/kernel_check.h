// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <napi.h>

/** KernelReport of collector/src/native.ts, found by trying. */
Napi::Value check_kernel(const Napi::CallbackInfo &info);
