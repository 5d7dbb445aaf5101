// SPDX-License-Identifier: Apache-2.0
#include "queue.h"
#include <algorithm>
#include <iterator>

void Queue::put(Delivery delivery) {
  std::lock_guard<std::mutex> lock(mutex_);
  bytes_ += delivery.bytes;
  high_water_ = std::max(high_water_, bytes_);
  watermark_ = delivery.watermark;
  reached_ = delivery.reached;
  waiting_.push_back(std::move(delivery));
}

void Queue::advance(int64_t watermark, int64_t reached) {
  std::lock_guard<std::mutex> lock(mutex_);
  watermark_ = watermark;
  reached_ = reached;
}

void Queue::add_losses(const Losses &losses) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (size_t cause = 0; cause < losses.size(); cause++) {
    losses_[cause].records += losses[cause].records;
    losses_[cause].bytes += losses[cause].bytes;
    lost_ = lost_ || losses[cause].records != 0;
  }
}

bool Queue::empty() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return waiting_.empty();
}

bool Queue::has_losses() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return lost_;
}

size_t Queue::bytes() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return bytes_;
}

size_t Queue::high_water() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return high_water_;
}

Delivery Queue::take(size_t most) {
  std::lock_guard<std::mutex> lock(mutex_);
  Delivery all;
  while (!waiting_.empty() && (all.bytes == 0 || all.bytes + waiting_.front().bytes <= most)) {
    Delivery &next = waiting_.front();
    std::move(next.batches.begin(), next.batches.end(), std::back_inserter(all.batches));
    std::move(next.processes.begin(), next.processes.end(), std::back_inserter(all.processes));
    all.bytes += next.bytes;
    taken_watermark_ = next.watermark;
    taken_reached_ = next.reached;
    waiting_.pop_front();
  }
  if (waiting_.empty()) {
    taken_watermark_ = watermark_;
    taken_reached_ = reached_;
  }
  all.watermark = taken_watermark_;
  all.reached = taken_reached_;
  all.losses = losses_;
  losses_ = {};
  lost_ = false;
  bytes_ -= all.bytes;
  return all;
}
