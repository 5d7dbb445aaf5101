// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "../../bpf/event.h"
#include <cstdint>
#include <string>

/** Encodes ring events as Avro records of the topic `syscalls` (schemas/avro, union order in schemas/src/topics.ts). */
class SocketRecords {
public:
  /** @param boot 16 bytes */
  SocketRecords(std::string host, const uint8_t *boot);

  /** Most bytes a record's value takes. */
  size_t largest() const { return PIECE_BYTES + 512 + host_.size(); }

  /** Connection id of an event, 8 bytes: the kernel's for TCP; for UDP a hash of host, boot, cookie and peer. */
  void connection(const socket_identity &socket, uint8_t *id) const;

  /** Each writes the value at `to` and returns its end. `time` is nanoseconds since the Unix epoch. */
  uint8_t *put_io(uint8_t *to, const io_event &event, const uint8_t *connection, int64_t time) const;
  uint8_t *put_opened(uint8_t *to, const opened_event &event, const uint8_t *connection, int64_t time) const;
  uint8_t *put_closed(uint8_t *to, const closed_event &event, int64_t time) const;

private:
  uint8_t *put_addresses(uint8_t *to, const socket_identity &socket) const;
  std::string host_;
  /** `host` and `boot` as they stand in every record. */
  std::string origin_;
  uint64_t seed_;
};
