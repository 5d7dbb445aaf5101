// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

/** CLOCK_BOOTTIME now, nanoseconds: the clock of the BPF programs. */
int64_t boot_nanos();

/**
 * Turns boot time into nanoseconds since the Unix epoch. The offset between both is measured at start and again every
 * few seconds, because the wall clock is corrected now and then. A correction forward is taken at once; one backward is
 * spread out (50 ms per second), so that time never runs backward. One thread uses it.
 */
class Clock {
public:
  Clock();
  /** Measures again when it is due; `now` is boot time. */
  void follow(int64_t now);
  int64_t epoch(int64_t boot) const { return boot + offset_; }

private:
  static int64_t measure();
  int64_t offset_;
  int64_t measured_at_;
};
