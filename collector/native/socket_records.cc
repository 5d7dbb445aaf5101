// SPDX-License-Identifier: Apache-2.0
#include "socket_records.h"
#include "avro.h"

using namespace avro;

namespace {
/** Places in the union of the topic `syscalls`. */
enum branch { SOCKET_IO = 0, CONNECTION_OPENED = 1, CONNECTION_CLOSED = 2 };

/** FNV-1a, 64 bit. */
uint64_t fnv(uint64_t hash, const void *data, size_t length) {
  const auto *bytes = static_cast<const uint8_t *>(data);
  for (size_t i = 0; i < length; i++)
    hash = (hash ^ bytes[i]) * 0x100000001b3ull;
  return hash;
}

uint8_t *put_time(uint8_t *to, int64_t time) { return put_long(put_long(to, time / 1000), time % 1000); }
} // namespace

SocketRecords::SocketRecords(std::string host, const uint8_t *boot) : host_(std::move(host)) {
  origin_.resize(host_.size() + 16 + 10);
  auto *start = reinterpret_cast<uint8_t *>(&origin_[0]);
  uint8_t *end = put_raw(put_bytes(start, host_.data(), host_.size()), boot, 16);
  origin_.resize(static_cast<size_t>(end - start));
  seed_ = fnv(0xcbf29ce484222325ull, origin_.data(), origin_.size());
}

void SocketRecords::connection(const socket_identity &socket, uint8_t *id) const {
  if (socket.transport != TRANSPORT_UDP) {
    std::memcpy(id, socket.connection, 8);
    return;
  }
  uint64_t hash = fnv(seed_, &socket.cookie, sizeof socket.cookie);
  hash = fnv(hash, socket.remote_address, socket.remote_length);
  hash = fnv(hash, &socket.remote_port, sizeof socket.remote_port);
  std::memcpy(id, &hash, 8);
}

uint8_t *SocketRecords::put_addresses(uint8_t *to, const socket_identity &socket) const {
  to = put_boolean(to, socket.joined_late);
  to = put_index(to, socket.transport);
  to = put_bytes(to, socket.local_address, socket.local_length);
  to = put_long(to, socket.local_port);
  to = put_bytes(to, socket.remote_address, socket.remote_length);
  return put_long(to, socket.remote_port);
}

uint8_t *SocketRecords::put_io(uint8_t *to, const io_event &event, const uint8_t *connection, int64_t time) const {
  to = put_index(to, SOCKET_IO);
  to = put_raw(to, connection, 8);
  to = put_time(to, time);
  to = put_index(to, event.direction);
  to = put_index(to, event.socket.role);
  to = put_long(to, static_cast<int64_t>(event.socket.cookie));
  to = put_long(to, static_cast<int64_t>(event.position));
  to = put_long(to, static_cast<int64_t>(event.length));
  to = put_index(to, event.missing);
  to = put_index(to, event.layer);
  to = put_addresses(to, event.socket);
  to = put_long(to, event.pid);
  to = put_long(to, static_cast<int64_t>(event.process_start));
  to = put_long(to, event.socket.netns);
  to = put_raw(to, origin_.data(), origin_.size());
  return put_bytes(to, &event + 1, event.payload_length);
}

uint8_t *SocketRecords::put_opened(uint8_t *to, const opened_event &event, const uint8_t *connection,
                                   int64_t time) const {
  to = put_index(to, CONNECTION_OPENED);
  to = put_raw(to, connection, 8);
  to = put_time(to, time);
  to = put_index(to, event.socket.role);
  to = put_long(to, static_cast<int64_t>(event.socket.cookie));
  to = put_long(to, static_cast<int64_t>(event.send_position));
  to = put_long(to, static_cast<int64_t>(event.receive_position));
  to = put_addresses(to, event.socket);
  to = put_long(to, event.pid);
  to = put_long(to, static_cast<int64_t>(event.process_start));
  to = put_long(to, event.socket.netns);
  return put_raw(to, origin_.data(), origin_.size());
}

uint8_t *SocketRecords::put_closed(uint8_t *to, const closed_event &event, int64_t time) const {
  to = put_index(to, CONNECTION_CLOSED);
  to = put_raw(to, event.connection, 8);
  to = put_time(to, time);
  to = put_long(to, static_cast<int64_t>(event.cookie));
  to = put_long(to, static_cast<int64_t>(event.sent));
  to = put_long(to, static_cast<int64_t>(event.received));
  to = put_long(to, event.pid);
  to = put_long(to, static_cast<int64_t>(event.process_start));
  return put_raw(to, origin_.data(), origin_.size());
}
