// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

/** By Settings::Hook, as in native.ts. */
constexpr std::array<const char *, 3> hook_names = {"socket", "syscall", "function"};

/** CaptureOptions of collector/src/native.ts, checked. */
struct Settings {
  enum Hook { AUTO = -1, SOCKET = 0, SYSCALL = 1, FUNCTION = 2 };
  enum Loop { LOOP_AUTO = -1, LOOP_BPF = 0, LOOP_MAP = 1 };
  std::string object;
  std::string host;
  uint8_t boot[16] = {};
  bool any_profile = true;
  std::vector<std::string> allowed;
  uint32_t partitions = 1;
  uint32_t schema = 0;
  int hook = AUTO;
  int loop = LOOP_AUTO;
  uint32_t ring_bytes = 64 << 20;
  uint32_t process_ring_bytes = 8 << 20;
  uint64_t cap_bytes = 1 << 20;
  uint64_t queue_bytes = 256ull << 20;
  uint64_t batch_bytes = 1 << 20;
  uint32_t batch_millis = 20;
  int nice = -10;
  uint32_t max_processes = 65536;
};
