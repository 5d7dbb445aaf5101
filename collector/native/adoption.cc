// SPDX-License-Identifier: Apache-2.0
#include "adoption.h"
#include "fault.h"
#include <bpf/bpf.h>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace {
/** Field 22 of /proc/<pid>/stat; 0 when the process is gone. */
uint64_t start_of(uint32_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  // The name in parentheses may hold anything, but the last ) ends it.
  const size_t end = text.rfind(')');
  if (end == std::string::npos)
    return 0;
  std::istringstream fields(text.substr(end + 1));
  std::string field;
  for (int number = 3; number <= 22; number++)
    if (!(fields >> field))
      return 0;
  return std::stoull(field);
}
} // namespace

bool adopt(const Programs &programs, ProcessEvents &events, Adoptee adoptee) {
  if (adoptee.pid == static_cast<uint32_t>(getpid()))
    return false;
  const int processes = programs.map("processes"), images = programs.map("images"),
            decisions = programs.map("decisions");
  const uint64_t number = adoptee.image_number, users = 1;
  process entry{};
  entry.start = adoptee.start;
  entry.image = number;
  entry.announced = 1;
  events.add_image(number, std::move(adoptee.image));
  bpf_map_update_elem(images, &number, &users, BPF_ANY);
  const auto forget = [&] {
    bpf_map_delete_elem(images, &number);
    events.remove_image(number);
  };
  if (bpf_map_update_elem(processes, &adoptee.pid, &entry, BPF_NOEXIST) != 0) {
    const int error = errno;
    forget();
    if (error == EEXIST)
      return false;
    throw Fault("system", "cannot observe process " + std::to_string(adoptee.pid) + ": " + std::strerror(error));
  }
  programs.mark_observed(adoptee.pid, true);
  // What happened before the entry was there went unseen by the programs, so it is looked up now.
  uint64_t decided = 0;
  bpf_map_lookup_elem(decisions, &adoptee.pid, &decided);
  if (decided <= adoptee.read_at && start_of(adoptee.pid) == adoptee.start)
    return true;
  struct process current{};
  if (bpf_map_lookup_elem(processes, &adoptee.pid, &current) == 0 && current.image == number) {
    programs.mark_observed(adoptee.pid, false);
    bpf_map_delete_elem(processes, &adoptee.pid);
    forget();
    return false;
  }
  // It has executed a program since and opted in again: the kernel has told of it.
  return false;
}

uint32_t observed_processes(const Programs &programs) {
  const int map = programs.map("processes");
  uint32_t count = 0, key = 0;
  for (const uint32_t *previous = nullptr; bpf_map_get_next_key(map, previous, &key) == 0; previous = &key)
    count++;
  return count;
}
