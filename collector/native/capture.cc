// SPDX-License-Identifier: Apache-2.0
#include "capture.h"
#include "adoption.h"
#include "values.h"

namespace {
/** Bytes one `take` hands over, about. */
constexpr size_t take_bytes = 16 << 20;
} // namespace

Napi::Function Capture::define(Napi::Env env) {
  return DefineClass(env, "Capture",
                     {
                         InstanceMethod<&Capture::hook>("hook"),
                         InstanceMethod<&Capture::ready>("ready"),
                         InstanceMethod<&Capture::take>("take"),
                         InstanceMethod<&Capture::request_pass>("requestPass"),
                         InstanceMethod<&Capture::adopt_process>("adoptProcess"),
                         InstanceMethod<&Capture::announce_open_connections>("announceOpenConnections"),
                         InstanceMethod<&Capture::now>("now"),
                         InstanceMethod<&Capture::stats>("stats"),
                         InstanceMethod<&Capture::stop>("stop"),
                         InstanceMethod<&Capture::close>("close"),
                     });
}

Capture::Capture(const Napi::CallbackInfo &info) : Napi::ObjectWrap<Capture>(info) {
  guarded(info.Env(), [&] {
    settings_ = read_settings(info[0].As<Napi::Object>());
    programs_ = std::make_unique<Programs>(settings_);
    on_ready_ = Napi::ThreadSafeFunction::New(info.Env(), info[1].As<Napi::Function>(), "syscribe capture", 0, 1);
    on_ready_.Unref(info.Env());
    try {
      drain_ = std::make_unique<Drain>(settings_, *programs_, [this] { notify(); });
      programs_->attach();
    } catch (...) {
      shut();
      throw;
    }
  });
}

Capture::~Capture() { shut(); }

void Capture::shut() {
  if (!programs_)
    return;
  programs_->detach();
  drain_.reset();
  programs_.reset();
  on_ready_.Release();
}

void Capture::notify() {
  if (!told_.exchange(true))
    on_ready_.NonBlockingCall();
}

Napi::Value Capture::hook(const Napi::CallbackInfo &info) {
  return Napi::String::New(info.Env(), hook_names.at(programs_->hook()));
}

Napi::Value Capture::ready(const Napi::CallbackInfo &info) {
  told_ = false;
  const Queue &queue = drain_->queue();
  return Napi::Boolean::New(info.Env(), !queue.empty() || queue.has_losses() || drain_->answered());
}

Napi::Value Capture::take(const Napi::CallbackInfo &info) {
  told_ = false;
  drain_->acknowledge();
  return delivery_value(info.Env(), drain_->queue().take(take_bytes));
}

Napi::Value Capture::request_pass(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), static_cast<double>(drain_->request()));
}

Napi::Value Capture::adopt_process(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&] {
    Adoptee adoptee = read_adoptee(info[0].As<Napi::Object>());
    adoptee.image_number = 1ull << 63 | ++adopted_;
    const bool adopted = adopt(*programs_, drain_->process_events(), std::move(adoptee));
    return Napi::Boolean::New(info.Env(), adopted);
  });
}

Napi::Value Capture::announce_open_connections(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&] { return Napi::Number::New(info.Env(), programs_->announce_open_sockets()); });
}

Napi::Value Capture::now(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), static_cast<double>(boot_nanos()));
}

Napi::Value Capture::stats(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  const DrainCounts &counts = drain_->counts();
  const Queue &queue = drain_->queue();
  Napi::Object stats = Napi::Object::New(env);
  auto number = [&](const char *name, double value) { stats.Set(name, Napi::Number::New(env, value)); };
  stats.Set("hook", hook(info));
  number("records", static_cast<double>(counts.records));
  number("payloadBytes", static_cast<double>(counts.payload_bytes));
  number("encodedBytes", static_cast<double>(counts.encoded_bytes));
  stats.Set("lost", losses_value(env, drain_->lost()));
  number("processes", observed_processes(*programs_));
  number("ringHighWaterBytes", static_cast<double>(counts.ring_high_water));
  number("ringBytes", settings_.ring_bytes);
  number("queuedBytes", static_cast<double>(queue.bytes()));
  number("queuedHighWaterBytes", static_cast<double>(queue.high_water()));
  number("drainCpuMicros", static_cast<double>(counts.cpu_nanos) / 1000);
  return stats;
}

Napi::Value Capture::stop(const Napi::CallbackInfo &info) {
  programs_->detach();
  return info.Env().Undefined();
}

Napi::Value Capture::close(const Napi::CallbackInfo &info) {
  shut();
  return info.Env().Undefined();
}
