// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "clock.h"
#include "programs.h"
#include "queue.h"
#include "ring.h"
#include "socket_records.h"
#include <atomic>
#include <functional>
#include <thread>

/** Totals since the start. */
struct DrainCounts {
  std::atomic<uint64_t> records{0}, payload_bytes{0}, encoded_bytes{0}, ring_high_water{0}, cpu_nanos{0};
};

/**
 * The thread that empties the rings every few milliseconds, encodes what is in them and puts it into the queue.
 *
 * A program takes its time stamp a little before it reserves its record. So a pass that began at T vouches for T less
 * `settle_nanos`, and a record that came later than that all the same gets the first time behind the watermark.
 */
class Drain {
public:
  static constexpr int64_t settle_nanos = 1'000'000;

  /** `notify` is called, on this thread, when something waits in the queue that did not before. */
  Drain(const Settings &settings, Programs &programs, std::function<void()> notify);
  ~Drain();
  Drain(const Drain &) = delete;

  Queue &queue() { return queue_; }
  ProcessEvents &process_events() { return process_events_; }
  const DrainCounts &counts() const { return counts_; }
  Losses lost() const;

  /** Asks for passes until a delivery has reached now, and returns now (boot time); `notify` tells of it. */
  int64_t request();
  /** Whether a request has been answered that `acknowledge` was not called for. */
  bool answered() const { return answered_.load(); }
  void acknowledge() { answered_ = false; }

private:
  void run();
  /** Rings to queue. */
  void pass();
  void take_socket_event(const uint8_t *data, uint32_t length);
  void take_losses();
  void publish();
  /** Epoch time of an event, behind the watermark. */
  int64_t time_of(uint64_t boot) const;
  void wait();
  void wake_up();

  const Settings settings_;
  Programs &programs_;
  const std::function<void()> notify_;
  Clock clock_;
  int64_t watermark_, reached_;
  Queue queue_;
  Ring socket_ring_, process_ring_;
  SocketRecords encoder_;
  ProcessEvents process_events_;
  std::vector<BatchBuilder> open_;
  std::vector<ProcessEvent> open_processes_;
  size_t open_bytes_ = 0;
  size_t queued_bytes_ = 0; // as it was when the pass began
  Losses own_losses_{};     // of the queue, not yet told
  Losses kernel_told_{};
  mutable std::mutex totals_mutex_;
  Losses totals_{};
  int64_t losses_read_at_ = 0;
  DrainCounts counts_;
  int wake_ = -1, poll_ = -1;
  std::atomic<bool> stopping_{false};
  std::atomic<int64_t> requested_{0};
  std::atomic<bool> answered_{false};
  std::thread thread_;
};
