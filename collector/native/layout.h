// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <napi.h>

/** struct → field → [offset, size] of bpf/event.h, as this compiler laid it out. */
Napi::Value event_layout(const Napi::CallbackInfo &info);
