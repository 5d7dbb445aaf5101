// SPDX-License-Identifier: Apache-2.0
// Packed record batches: the layout is documented in log/src/record-batch.ts.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

struct FreeMemory {
  void operator()(uint8_t *memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<uint8_t, FreeMemory>;

/** A finished batch. */
struct Batch {
  uint32_t partition;
  Memory memory;
  size_t length;
};

/** Kafka's default partitioner: toPositive(murmur2(key)) % partitions. */
uint32_t partition_of(const uint8_t *key, size_t length, uint32_t partitions);

class BatchBuilder {
public:
  static constexpr size_t key_bytes = 8;

  /** @param bytes size at which a batch is full, @param largest most bytes of one record's value. */
  BatchBuilder(uint32_t partition, uint32_t schema, size_t bytes, size_t largest);

  size_t length() const { return count_ == 0 ? 0 : end_; }
  bool full() const { return end_ >= bytes_; }

  /** Where the value of the next record is to be written. */
  uint8_t *value() { return memory_.get() + end_ + record_header + key_bytes; }

  /** Adds the record whose value was written up to `value_end`. Timestamps are held from going down. */
  void add(const uint8_t *key, int64_t epoch_millis, const uint8_t *value_end);

  Batch take();

private:
  static constexpr size_t batch_header = 40;
  static constexpr size_t record_header = 16;
  void begin();
  uint32_t partition_, schema_;
  size_t bytes_, capacity_;
  Memory memory_;
  size_t end_ = batch_header;
  uint32_t count_ = 0;
  double first_ = 0, last_ = 0;
};
