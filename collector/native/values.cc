// SPDX-License-Identifier: Apache-2.0
#include "values.h"
#include "fault.h"

namespace {
/** In the order of enum loss_cause; the symbols of schemas/avro/LossCause.avsc. */
const char *const cause_names[LOSS_CAUSES] = {"ring_full",  "queue_full", "scratch_busy",
                                              "table_full", "encode",     "other"};

Napi::Number number(Napi::Env env, uint64_t value) { return Napi::Number::New(env, static_cast<double>(value)); }

void set_instant(Napi::Object &object, int64_t nanos) {
  object.Set("time", Napi::Number::New(object.Env(), static_cast<double>(nanos / 1000)));
  object.Set("timeNanos", Napi::Number::New(object.Env(), static_cast<double>(nanos % 1000)));
}

Napi::Value bytes_or_null(Napi::Env env, const std::optional<std::string> &bytes) {
  if (!bytes)
    return env.Null();
  return Napi::Buffer<char>::Copy(env, bytes->data(), bytes->size());
}

Napi::Value text_or_null(Napi::Env env, const std::string &text) {
  return text.empty() ? env.Null() : Napi::String::New(env, text).As<Napi::Value>();
}

Napi::Object process_value(Napi::Env env, const ProcessEvent &event) {
  Napi::Object value = Napi::Object::New(env);
  const bool seen = event.kind == ProcessEvent::SEEN;
  value.Set("kind", seen ? "seen" : "exited");
  set_instant(value, event.time);
  value.Set("pid", number(env, event.pid));
  value.Set("processStart", number(env, event.start));
  if (!seen) {
    value.Set("reason", event.opted_out ? "opted_out" : "exit");
    return value;
  }
  const Image &image = *event.image;
  value.Set("reason", event.forked ? "fork" : "exec");
  value.Set("parentPid", number(env, event.parent));
  value.Set("comm", event.comm);
  value.Set("cmdline", bytes_or_null(env, event.arguments));
  value.Set("profile", image.profile);
  value.Set("profileName",
            image.profile_name ? Napi::String::New(env, *image.profile_name).As<Napi::Value>() : env.Null());
  value.Set("environment", bytes_or_null(env, image.environment));
  value.Set("environmentError", text_or_null(env, image.environment_error));
  value.Set("cgroup", text_or_null(env, event.cgroup));
  value.Set("controllerCgroup", text_or_null(env, event.controller_cgroup));
  return value;
}

uint64_t whole_number(const Napi::Object &options, const char *name, uint64_t standard, uint64_t least, uint64_t most) {
  const Napi::Value value = options.Get(name);
  if (value.IsUndefined())
    return standard;
  const double given = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(given >= static_cast<double>(least) && given <= static_cast<double>(most)) ||
      given != static_cast<double>(static_cast<uint64_t>(given)))
    throw Fault("bad_option", std::string(name) + " must be a whole number from " + std::to_string(least) + " to " +
                                  std::to_string(most));
  return static_cast<uint64_t>(given);
}

uint32_t ring_size(const Napi::Object &options, const char *name, uint32_t standard) {
  const uint64_t bytes = whole_number(options, name, standard, 64 << 10, 1 << 30);
  if ((bytes & (bytes - 1)) != 0)
    throw Fault("bad_option", std::string(name) + " must be a power of two");
  return static_cast<uint32_t>(bytes);
}

/** The place of the given name among `names`; -1 for auto. */
int choice(const Napi::Object &options, const char *name, const std::vector<std::string> &names) {
  const Napi::Value value = options.Get(name);
  if (value.IsUndefined())
    return -1;
  const std::string given = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
  if (given == "auto")
    return -1;
  std::string all = "auto";
  for (size_t i = 0; i < names.size(); i++) {
    if (given == names[i])
      return static_cast<int>(i);
    all += (i + 1 < names.size() ? ", " : " or ") + names[i];
  }
  throw Fault("bad_option", std::string(name) + " must be " + all);
}

std::string content(const Napi::Value &value) {
  const auto bytes = value.As<Napi::Uint8Array>();
  return std::string(reinterpret_cast<const char *>(bytes.Data()), bytes.ByteLength());
}
} // namespace

Settings read_settings(const Napi::Object &options) {
  Settings settings;
  settings.object = options.Get("object").As<Napi::String>().Utf8Value();
  if (!options.Get("host").IsString())
    throw Fault("bad_option", "host must be a string");
  settings.host = options.Get("host").As<Napi::String>().Utf8Value();
  const Napi::Value boot = options.Get("boot");
  if (!boot.IsTypedArray() || content(boot).size() != sizeof settings.boot)
    throw Fault("bad_option", "boot must be 16 bytes");
  std::memcpy(settings.boot, content(boot).data(), sizeof settings.boot);
  const Napi::Value allowed = options.Get("allowedProfiles");
  if (allowed.IsArray()) {
    settings.any_profile = false;
    const auto list = allowed.As<Napi::Array>();
    for (uint32_t i = 0; i < list.Length(); i++) {
      const std::string value = Napi::Value(list[i]).ToString().Utf8Value();
      // The programs take a value that fills their buffer as cut.
      if (value.size() > PROFILE_BYTES - 2)
        throw Fault("bad_option", "allowedProfiles: a value is longer than " + std::to_string(PROFILE_BYTES - 2) +
                                      " bytes");
      settings.allowed.push_back(value);
    }
  }
  settings.partitions = static_cast<uint32_t>(whole_number(options, "partitions", settings.partitions, 1, 256));
  settings.schema = static_cast<uint32_t>(whole_number(options, "schemaId", settings.schema, 0, UINT32_MAX));
  settings.hook = choice(options, "hook", {hook_names.begin(), hook_names.end()});
  settings.loop = choice(options, "loop", {"bpf_loop", "map"});
  settings.ring_bytes = ring_size(options, "ringBytes", settings.ring_bytes);
  settings.process_ring_bytes = ring_size(options, "processRingBytes", settings.process_ring_bytes);
  settings.cap_bytes = whole_number(options, "capBytes", settings.cap_bytes, 0, 16 << 20);
  settings.queue_bytes = whole_number(options, "queueBytes", settings.queue_bytes, 1 << 20, 1ull << 40);
  settings.batch_bytes = whole_number(options, "batchBytes", settings.batch_bytes, 4 << 10, 64 << 20);
  settings.batch_millis = static_cast<uint32_t>(whole_number(options, "batchMs", settings.batch_millis, 1, 1000));
  settings.max_processes =
      static_cast<uint32_t>(whole_number(options, "maxProcesses", settings.max_processes, 16, 1 << 22));
  const Napi::Value nice = options.Get("drainNice");
  if (!nice.IsUndefined()) {
    if (!nice.IsNumber() || nice.As<Napi::Number>().DoubleValue() < -20 || nice.As<Napi::Number>().DoubleValue() > 19)
      throw Fault("bad_option", "drainNice must be from -20 to 19");
    settings.nice = nice.As<Napi::Number>().Int32Value();
  }
  return settings;
}

Adoptee read_adoptee(const Napi::Object &process) {
  Adoptee adoptee;
  adoptee.pid = static_cast<uint32_t>(whole_number(process, "pid", 0, 1, (4 << 20) - 1));
  adoptee.start = whole_number(process, "processStart", 0, 0, 1ull << 53);
  adoptee.read_at = whole_number(process, "readAt", 0, 0, 1ull << 60);
  if (adoptee.pid == 0 || !process.Get("profile").IsString())
    throw Fault("bad_option", "an adopted process needs pid, processStart, readAt and profile");
  adoptee.image.profile = process.Get("profile").As<Napi::String>().Utf8Value();
  if (process.Get("profileName").IsString())
    adoptee.image.profile_name = process.Get("profileName").As<Napi::String>().Utf8Value();
  if (process.Get("environment").IsTypedArray())
    adoptee.image.environment = content(process.Get("environment"));
  if (process.Get("environmentError").IsString())
    adoptee.image.environment_error = process.Get("environmentError").As<Napi::String>().Utf8Value();
  return adoptee;
}

Napi::Array losses_value(Napi::Env env, const Losses &losses) {
  Napi::Array list = Napi::Array::New(env);
  uint32_t count = 0;
  for (size_t cause = 0; cause < losses.size(); cause++) {
    if (losses[cause].records == 0)
      continue;
    Napi::Object value = Napi::Object::New(env);
    value.Set("cause", cause_names[cause]);
    value.Set("records", number(env, losses[cause].records));
    value.Set("bytes", number(env, losses[cause].bytes));
    list[count++] = value;
  }
  return list;
}

Napi::Object delivery_value(Napi::Env env, Delivery delivery) {
  Napi::Object value = Napi::Object::New(env);
  Napi::Array batches = Napi::Array::New(env, delivery.batches.size());
  for (uint32_t i = 0; i < delivery.batches.size(); i++) {
    Batch &batch = delivery.batches[i];
    Napi::Object item = Napi::Object::New(env);
    item.Set("partition", number(env, batch.partition));
    item.Set("buffer", Napi::Buffer<uint8_t>::New(env, batch.memory.release(), batch.length,
                                                  [](Napi::Env, uint8_t *memory) { std::free(memory); }));
    batches[i] = item;
  }
  Napi::Array processes = Napi::Array::New(env, delivery.processes.size());
  for (uint32_t i = 0; i < delivery.processes.size(); i++)
    processes[i] = process_value(env, delivery.processes[i]);
  Napi::Object watermark = Napi::Object::New(env);
  set_instant(watermark, delivery.watermark);
  value.Set("batches", batches);
  value.Set("processes", processes);
  value.Set("losses", losses_value(env, delivery.losses));
  value.Set("watermark", watermark);
  value.Set("reached", Napi::Number::New(env, static_cast<double>(delivery.reached)));
  return value;
}
