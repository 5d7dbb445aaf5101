// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "batch.h"
#include "process_events.h"
#include <array>
#include <deque>
#include <mutex>
#include <vector>

using Losses = std::array<loss, LOSS_CAUSES>;

/** What `Capture.read` hands over. */
struct Delivery {
  std::vector<Batch> batches;
  std::vector<ProcessEvent> processes;
  Losses losses{};
  int64_t watermark = 0; // nanoseconds since the Unix epoch
  int64_t reached = 0;   // the same moment as boot time
  size_t bytes = 0;
};

/** Between the drain thread, which puts, and JavaScript, which takes. Bounded by who puts: see `bytes`. */
class Queue {
public:
  Queue(int64_t watermark, int64_t reached) : watermark_(watermark), reached_(reached) {}

  /** Adds a delivery; `watermark` holds once it has been taken. */
  void put(Delivery delivery);
  /** Nothing came up to `watermark`. */
  void advance(int64_t watermark, int64_t reached);
  /** Losses since the last call, told with the next delivery. */
  void add_losses(const Losses &losses);

  bool empty() const;
  bool has_losses() const;
  /** Encoded bytes that wait, now and at most. */
  size_t bytes() const;
  size_t high_water() const;

  /** Up to about `most` bytes. */
  Delivery take(size_t most);

private:
  mutable std::mutex mutex_;
  std::deque<Delivery> waiting_;
  Losses losses_{};
  bool lost_ = false;
  size_t bytes_ = 0, high_water_ = 0;
  /** Of the last one taken, and of the last one put. */
  int64_t taken_watermark_ = 0, taken_reached_ = 0, watermark_, reached_;
};
