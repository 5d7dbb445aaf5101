// SPDX-License-Identifier: Apache-2.0
#include "batch.h"
#include <cstring>
#include <new>

namespace {
Memory allocate(size_t bytes) {
  auto *memory = static_cast<uint8_t *>(std::malloc(bytes));
  if (memory == nullptr)
    throw std::bad_alloc();
  return Memory(memory);
}

template <typename T> void put(uint8_t *to, T value) { std::memcpy(to, &value, sizeof value); }

/** As in Apache Kafka's Utils.murmur2, seed 0x9747b28c. */
uint32_t murmur2(const uint8_t *data, size_t length) {
  constexpr uint32_t m = 0x5bd1e995;
  uint32_t hash = 0x9747b28c ^ static_cast<uint32_t>(length);
  const size_t words = length / 4;
  for (size_t i = 0; i < words; i++) {
    uint32_t k;
    std::memcpy(&k, data + i * 4, 4);
    k *= m;
    k ^= k >> 24;
    k *= m;
    hash *= m;
    hash ^= k;
  }
  const uint8_t *rest = data + words * 4;
  switch (length % 4) {
  case 3:
    hash ^= static_cast<uint32_t>(rest[2]) << 16;
    [[fallthrough]];
  case 2:
    hash ^= static_cast<uint32_t>(rest[1]) << 8;
    [[fallthrough]];
  case 1:
    hash ^= rest[0];
    hash *= m;
  }
  hash ^= hash >> 13;
  hash *= m;
  hash ^= hash >> 15;
  return hash;
}
} // namespace

uint32_t partition_of(const uint8_t *key, size_t length, uint32_t partitions) {
  return partitions == 1 ? 0 : (murmur2(key, length) & 0x7fffffff) % partitions;
}

BatchBuilder::BatchBuilder(uint32_t partition, uint32_t schema, size_t bytes, size_t largest)
    : partition_(partition), schema_(schema), bytes_(bytes),
      capacity_(bytes + batch_header + record_header + key_bytes + largest) {
  begin();
}

void BatchBuilder::begin() {
  if (!memory_)
    memory_ = allocate(capacity_);
  end_ = batch_header;
  count_ = 0;
}

void BatchBuilder::add(const uint8_t *key, int64_t epoch_millis, const uint8_t *value_end) {
  uint8_t *record = memory_.get() + end_;
  const auto value_length = static_cast<uint32_t>(value_end - record - record_header - key_bytes);
  double timestamp = static_cast<double>(epoch_millis);
  if (timestamp < last_)
    timestamp = last_;
  last_ = timestamp;
  if (count_ == 0)
    first_ = timestamp;
  put<uint32_t>(record, value_length);
  put<uint16_t>(record + 4, key_bytes);
  put<uint16_t>(record + 6, 0);
  put<double>(record + 8, timestamp);
  std::memcpy(record + record_header, key, key_bytes);
  end_ += record_header + key_bytes + value_length;
  count_++;
}

Batch BatchBuilder::take() {
  uint8_t *header = memory_.get();
  put<uint32_t>(header, 1);
  put<uint32_t>(header + 4, schema_);
  put<uint32_t>(header + 8, count_);
  put<uint32_t>(header + 12, 0);
  put<double>(header + 16, 0);
  put<double>(header + 24, first_);
  put<double>(header + 32, last_);
  Batch batch{partition_, nullptr, end_};
  if (end_ * 2 < capacity_) {
    // A small batch must not hold a large buffer while it waits.
    batch.memory = allocate(end_);
    std::memcpy(batch.memory.get(), header, end_);
  } else {
    batch.memory = std::move(memory_);
  }
  begin();
  return batch;
}
