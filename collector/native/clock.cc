// SPDX-License-Identifier: Apache-2.0
#include "clock.h"
#include <algorithm>
#include <ctime>

namespace {
constexpr int64_t second = 1'000'000'000;
constexpr int64_t interval = 2 * second;
/** Backward correction per second of elapsed time, as a divisor. */
constexpr int64_t slew = 20;

int64_t read_clock(clockid_t clock) {
  timespec at;
  clock_gettime(clock, &at);
  return at.tv_sec * second + at.tv_nsec;
}
} // namespace

int64_t boot_nanos() { return read_clock(CLOCK_BOOTTIME); }

Clock::Clock() : offset_(measure()), measured_at_(boot_nanos()) {}

void Clock::follow(int64_t now) {
  const int64_t elapsed = now - measured_at_;
  if (elapsed < interval)
    return;
  measured_at_ = now;
  const int64_t fresh = measure();
  offset_ = fresh >= offset_ ? fresh : std::max(fresh, offset_ - elapsed / slew);
}

/** The tightest of a few pairs of readings: one of them may have been interrupted. */
int64_t Clock::measure() {
  int64_t best = 0, tightest = INT64_MAX;
  for (int attempt = 0; attempt < 5; attempt++) {
    const int64_t before = boot_nanos();
    const int64_t wall = read_clock(CLOCK_REALTIME);
    const int64_t after = boot_nanos();
    if (after - before >= tightest)
      continue;
    tightest = after - before;
    best = wall - (before + (after - before) / 2);
  }
  return best;
}
