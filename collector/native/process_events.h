// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "../../bpf/event.h"
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

/** What all processes forked from one exec share. */
struct Image {
  std::optional<std::string> environment;
  std::string environment_error;
  std::string profile;
  std::optional<std::string> profile_name;
  std::optional<std::string> arguments;
};

/** A process event on its way to JavaScript: ProcessSeenEvent or ProcessExitedEvent of collector/src/native.ts. */
struct ProcessEvent {
  enum Kind { SEEN, EXITED } kind;
  int64_t time; // nanoseconds since the Unix epoch
  uint32_t pid;
  uint64_t start;
  bool opted_out = false;
  bool forked = false;
  uint32_t parent = 0;
  std::string comm;
  std::string cgroup, controller_cgroup;
  std::optional<std::string> arguments;
  std::shared_ptr<const Image> image;

  size_t bytes() const;
};

/** Puts the pieces of the process ring together again. */
class ProcessEvents {
public:
  /** Takes one event of the ring; what is complete goes to `out`. `epoch` is what to add to boot time. */
  void take(const uint8_t *event, size_t length, int64_t epoch, std::vector<ProcessEvent> &out);

  /** Gives up waiting for pieces that were dropped: what began before `boot_time` goes to `out` as it is. */
  void expire(int64_t boot_time, int64_t epoch, std::vector<ProcessEvent> &out);

  /** Image of an adopted process; any thread. */
  void add_image(uint64_t number, Image image);
  void remove_image(uint64_t number);

private:
  struct Pending {
    process_event event;
    std::string arguments, environment;
    size_t arguments_got = 0, environment_got = 0;
  };
  void finish(uint32_t pid, int64_t epoch, std::vector<ProcessEvent> &out);
  std::unordered_map<uint32_t, std::unique_ptr<Pending>> pending_;
  std::mutex mutex_; // of images_
  std::unordered_map<uint64_t, std::shared_ptr<const Image>> images_;
};
