// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <linux/bpf.h>

/**
 * The reading side of a BPF ring buffer map (Linux Documentation/bpf/ringbuf.rst): one page with our position, one with
 * the kernel's, then the data, mapped twice in a row so that no record is cut at the end.
 */
class Ring {
public:
  /** @throws Fault `system` */
  Ring(int map, size_t bytes);
  ~Ring();
  Ring(const Ring &) = delete;

  /** End of what has been reserved so far, as a limit for `drain`. */
  uint64_t produced() const { return __atomic_load_n(producer_, __ATOMIC_ACQUIRE); }

  /** Bytes between the reader and `produced`. */
  uint64_t waiting(uint64_t produced) const { return produced - position_; }

  /** Calls `each(data, length)` for every record before `limit`; false when one of them is still being written. */
  template <typename Each> bool drain(uint64_t limit, Each &&each) {
    uint64_t released = position_;
    bool whole = true;
    while (position_ < limit) {
      const uint8_t *record = data_ + (position_ & mask_);
      const uint32_t header = __atomic_load_n(reinterpret_cast<const uint32_t *>(record), __ATOMIC_ACQUIRE);
      if (header & BPF_RINGBUF_BUSY_BIT) {
        whole = false;
        break;
      }
      const uint32_t length = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
      if (!(header & BPF_RINGBUF_DISCARD_BIT))
        each(record + BPF_RINGBUF_HDR_SZ, length);
      position_ += (BPF_RINGBUF_HDR_SZ + length + 7) & ~7ull;
      // Giving room back costs the writers a cache miss: not for every record.
      if (position_ - released >= release_bytes) {
        __atomic_store_n(consumer_, position_, __ATOMIC_RELEASE);
        released = position_;
      }
    }
    __atomic_store_n(consumer_, position_, __ATOMIC_RELEASE);
    return whole;
  }

private:
  static constexpr uint64_t release_bytes = 64 * 1024;
  size_t page_;
  size_t bytes_;
  uint64_t mask_;
  uint64_t *consumer_;
  const uint64_t *producer_;
  const uint8_t *data_;
  uint64_t position_;
};
