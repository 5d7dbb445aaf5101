// SPDX-License-Identifier: Apache-2.0
#include "layout.h"
#include "../../bpf/event.h"

#define FIELD(type, field) {#type, #field, offsetof(type, field), sizeof(type::field)}

namespace {
struct Field {
  const char *type, *name;
  size_t offset, size;
};

const Field fields[] = {
    FIELD(socket_identity, cookie),
    FIELD(socket_identity, netns),
    FIELD(socket_identity, local_port),
    FIELD(socket_identity, remote_port),
    FIELD(socket_identity, connection),
    FIELD(socket_identity, local_length),
    FIELD(socket_identity, remote_length),
    FIELD(socket_identity, transport),
    FIELD(socket_identity, role),
    FIELD(socket_identity, joined_late),
    FIELD(socket_identity, padding),
    FIELD(socket_identity, local_address),
    FIELD(socket_identity, remote_address),
    FIELD(io_event, kind),
    FIELD(io_event, payload_length),
    FIELD(io_event, time),
    FIELD(io_event, process_start),
    FIELD(io_event, position),
    FIELD(io_event, length),
    FIELD(io_event, pid),
    FIELD(io_event, direction),
    FIELD(io_event, missing),
    FIELD(io_event, layer),
    FIELD(io_event, padding),
    FIELD(io_event, socket),
    FIELD(opened_event, kind),
    FIELD(opened_event, pid),
    FIELD(opened_event, time),
    FIELD(opened_event, process_start),
    FIELD(opened_event, send_position),
    FIELD(opened_event, receive_position),
    FIELD(opened_event, socket),
    FIELD(closed_event, kind),
    FIELD(closed_event, pid),
    FIELD(closed_event, time),
    FIELD(closed_event, process_start),
    FIELD(closed_event, cookie),
    FIELD(closed_event, sent),
    FIELD(closed_event, received),
    FIELD(closed_event, connection),
    FIELD(process_event, kind),
    FIELD(process_event, pid),
    FIELD(process_event, time),
    FIELD(process_event, process_start),
    FIELD(process_event, image),
    FIELD(process_event, parent),
    FIELD(process_event, reason),
    FIELD(process_event, has_name),
    FIELD(process_event, profile_cut),
    FIELD(process_event, name_cut),
    FIELD(process_event, arguments_length),
    FIELD(process_event, environment_length),
    FIELD(process_event, comm),
    FIELD(process_event, profile),
    FIELD(process_event, name),
    FIELD(process_event, cgroup),
    FIELD(process_event, controller),
    FIELD(block_event, kind),
    FIELD(block_event, pid),
    FIELD(block_event, process_start),
    FIELD(block_event, offset),
    FIELD(block_event, length),
    FIELD(block_event, block),
    FIELD(process_mark, kind),
    FIELD(process_mark, pid),
    FIELD(process_mark, time),
    FIELD(process_mark, process_start),
    FIELD(process_mark, opted_out),
    FIELD(process_mark, faults),
    FIELD(image_released, kind),
    FIELD(image_released, padding),
    FIELD(image_released, image),
    FIELD(process, start),
    FIELD(process, image),
    FIELD(process, announced),
    FIELD(process, padding),
    FIELD(loss, records),
    FIELD(loss, bytes),
};
} // namespace

Napi::Value event_layout(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  Napi::Object layout = Napi::Object::New(env);
  for (const Field &field : fields) {
    if (!layout.Has(field.type))
      layout.Set(field.type, Napi::Object::New(env));
    Napi::Array place = Napi::Array::New(env, 2);
    place[0u] = Napi::Number::New(env, static_cast<double>(field.offset));
    place[1u] = Napi::Number::New(env, static_cast<double>(field.size));
    layout.Get(field.type).As<Napi::Object>().Set(field.name, place);
  }
  return layout;
}
