// SPDX-License-Identifier: Apache-2.0
// Avro binary encoding (Avro 1.12 specification, "Binary Encoding") into memory that is known to be large enough.
#pragma once
#include <cstdint>
#include <cstring>

namespace avro {

inline uint8_t *put_long(uint8_t *to, int64_t value) {
  uint64_t zigzag = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  while (zigzag >= 0x80) {
    *to++ = static_cast<uint8_t>(zigzag) | 0x80;
    zigzag >>= 7;
  }
  *to++ = static_cast<uint8_t>(zigzag);
  return to;
}

inline uint8_t *put_raw(uint8_t *to, const void *from, size_t length) {
  std::memcpy(to, from, length);
  return to + length;
}

/** `bytes` and `string`: length, then content. */
inline uint8_t *put_bytes(uint8_t *to, const void *from, size_t length) {
  return put_raw(put_long(to, static_cast<int64_t>(length)), from, length);
}

/** An enum's or a union branch's number; both are below 64 here, so one byte. */
inline uint8_t *put_index(uint8_t *to, unsigned index) {
  *to = static_cast<uint8_t>(index << 1);
  return to + 1;
}

inline uint8_t *put_boolean(uint8_t *to, bool value) {
  *to = value ? 1 : 0;
  return to + 1;
}

} // namespace avro
