// SPDX-License-Identifier: Apache-2.0
// Entry: NativeAddon of collector/src/native.ts.
#include "batch.h"
#include "capture.h"
#include "kernel_check.h"
#include "layout.h"

namespace {
Napi::Value partition(const Napi::CallbackInfo &info) {
  const auto key = info[0].As<Napi::Uint8Array>();
  const uint32_t partitions = info[1].As<Napi::Number>().Uint32Value();
  return Napi::Number::New(info.Env(), partition_of(key.Data(), key.ByteLength(), partitions));
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("Capture", Capture::define(env));
  exports.Set("checkKernel", Napi::Function::New<check_kernel>(env, "checkKernel"));
  exports.Set("eventLayout", Napi::Function::New<event_layout>(env, "eventLayout"));
  exports.Set("partitionOf", Napi::Function::New<partition>(env, "partitionOf"));
  return exports;
}
} // namespace

NODE_API_MODULE(syscribe_native, initialize)
