// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "drain.h"
#include "fault.h"
#include "programs.h"
#include <memory>
#include <napi.h>

/** The object behind `Capture` in collector/src/native.ts: NativeCapture there. */
class Capture : public Napi::ObjectWrap<Capture> {
public:
  static Napi::Function define(Napi::Env env);
  explicit Capture(const Napi::CallbackInfo &info);
  ~Capture() override;

private:
  Napi::Value hook(const Napi::CallbackInfo &info);
  Napi::Value ready(const Napi::CallbackInfo &info);
  Napi::Value take(const Napi::CallbackInfo &info);
  Napi::Value request_pass(const Napi::CallbackInfo &info);
  Napi::Value adopt_process(const Napi::CallbackInfo &info);
  Napi::Value announce_open_connections(const Napi::CallbackInfo &info);
  Napi::Value now(const Napi::CallbackInfo &info);
  Napi::Value stats(const Napi::CallbackInfo &info);
  Napi::Value stop(const Napi::CallbackInfo &info);
  Napi::Value close(const Napi::CallbackInfo &info);
  void shut();
  /** On the drain thread: makes JavaScript look, once until it has looked. */
  void notify();

  Settings settings_;
  std::unique_ptr<Programs> programs_;
  std::unique_ptr<Drain> drain_;
  Napi::ThreadSafeFunction on_ready_;
  std::atomic<bool> told_{false};
  uint64_t adopted_ = 0;
};

/** Runs `call` and turns a Fault into a JavaScript Error with `code` and `detail`. */
template <typename Call> auto guarded(Napi::Env env, Call &&call) -> decltype(call()) {
  try {
    return call();
  } catch (const Fault &fault) {
    Napi::Error error = Napi::Error::New(env, fault.what());
    error.Set("code", fault.code);
    if (!fault.detail.empty())
      error.Set("detail", fault.detail);
    throw error;
  } catch (const std::bad_alloc &) {
    Napi::Error error = Napi::Error::New(env, "out of memory");
    error.Set("code", "no_memory");
    throw error;
  }
}
