// SPDX-License-Identifier: Apache-2.0
#include "process_events.h"
#include <cstring>

namespace {
/** More than the kernel lets arguments and environment be (6 MiB, fs/exec.c bprm_stack_limits). */
constexpr size_t largest_block = 32 << 20;

std::string bounded(const char *text, size_t size) { return std::string(text, strnlen(text, size)); }

/** Value of the first `name=` (getenv's) of an environment block. */
std::optional<std::string> variable(const std::string &block, const std::string &name) {
  for (size_t at = 0; at < block.size();) {
    size_t end = block.find('\0', at);
    if (end == std::string::npos)
      end = block.size();
    if (end - at > name.size() && block.compare(at, name.size(), name) == 0 && block[at + name.size()] == '=')
      return block.substr(at + name.size() + 1, end - at - name.size() - 1);
    at = end + 1;
  }
  return std::nullopt;
}

/** From the leaf-first names; without a leading slash when there were more levels than fit. */
std::string cgroup_path(const char (&names)[CGROUP_DEPTH][CGROUP_NAME_BYTES]) {
  std::string path;
  int level = 0;
  for (; level < CGROUP_DEPTH && names[level][0] != 0; level++)
    path = "/" + bounded(names[level], CGROUP_NAME_BYTES) + path;
  if (level == CGROUP_DEPTH)
    return path.substr(1);
  return path.empty() ? "/" : path;
}
} // namespace

size_t ProcessEvent::bytes() const {
  size_t bytes = 256 + comm.size() + cgroup.size() + controller_cgroup.size() + (arguments ? arguments->size() : 0);
  return bytes + (image && image->environment ? image->environment->size() : 0);
}

void ProcessEvents::take(const uint8_t *event, size_t length, int64_t epoch, std::vector<ProcessEvent> &out) {
  uint32_t kind;
  std::memcpy(&kind, event, sizeof kind);
  switch (kind) {
  case EVENT_PROCESS: {
    auto pending = std::make_unique<Pending>();
    std::memcpy(&pending->event, event, sizeof pending->event);
    if (pending_.count(pending->event.pid) != 0)
      finish(pending->event.pid, epoch, out);
    if (pending->event.arguments_length <= largest_block)
      pending->arguments.resize(pending->event.arguments_length);
    if (pending->event.environment_length <= largest_block)
      pending->environment.resize(pending->event.environment_length);
    const uint32_t pid = pending->event.pid;
    pending_[pid] = std::move(pending);
    break;
  }
  case EVENT_BLOCK: {
    block_event block;
    std::memcpy(&block, event, sizeof block);
    auto found = pending_.find(block.pid);
    if (found == pending_.end())
      break;
    Pending &pending = *found->second;
    std::string &to = block.block == BLOCK_ARGUMENTS ? pending.arguments : pending.environment;
    if (block.offset + block.length > to.size() || sizeof block + block.length > length)
      break;
    std::memcpy(&to[block.offset], event + sizeof block, block.length);
    (block.block == BLOCK_ARGUMENTS ? pending.arguments_got : pending.environment_got) += block.length;
    break;
  }
  case EVENT_PROCESS_END: {
    process_mark mark;
    std::memcpy(&mark, event, sizeof mark);
    if (pending_.count(mark.pid) != 0)
      finish(mark.pid, epoch, out);
    break;
  }
  case EVENT_EXIT: {
    process_mark mark;
    std::memcpy(&mark, event, sizeof mark);
    if (pending_.count(mark.pid) != 0)
      finish(mark.pid, epoch, out);
    ProcessEvent exited{};
    exited.kind = ProcessEvent::EXITED;
    exited.time = static_cast<int64_t>(mark.time) + epoch;
    exited.pid = mark.pid;
    exited.start = mark.process_start;
    exited.opted_out = mark.opted_out != 0;
    out.push_back(std::move(exited));
    break;
  }
  case EVENT_IMAGE_RELEASED: {
    image_released released;
    std::memcpy(&released, event, sizeof released);
    remove_image(released.image);
    break;
  }
  }
}

void ProcessEvents::finish(uint32_t pid, int64_t epoch, std::vector<ProcessEvent> &out) {
  const std::unique_ptr<Pending> pending = std::move(pending_[pid]);
  pending_.erase(pid);
  const process_event &event = pending->event;
  ProcessEvent seen{};
  seen.kind = ProcessEvent::SEEN;
  seen.time = static_cast<int64_t>(event.time) + epoch;
  seen.pid = event.pid;
  seen.start = event.process_start;
  seen.forked = event.reason == PROCESS_FORK;
  seen.parent = event.parent;
  seen.comm = bounded(event.comm, sizeof event.comm);
  seen.cgroup = cgroup_path(event.cgroup);
  seen.controller_cgroup = cgroup_path(event.controller);
  if (pending->arguments_got == event.arguments_length)
    seen.arguments = std::move(pending->arguments);
  if (seen.forked) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = images_.find(event.image);
    if (found != images_.end())
      seen.image = found->second;
  } else {
    auto image = std::make_shared<Image>();
    image->profile = bounded(event.profile, PROFILE_BYTES);
    if (event.has_name)
      image->profile_name = bounded(event.name, PROFILE_BYTES);
    if (pending->environment_got == event.environment_length) {
      image->environment = std::move(pending->environment);
      if (event.profile_cut)
        image->profile = variable(*image->environment, "ADI_PROFILE").value_or(image->profile);
      if (event.name_cut)
        image->profile_name = variable(*image->environment, "ADI_PROFILE_NAME");
    } else {
      image->environment_error = "only " + std::to_string(pending->environment_got) + " of " +
                                 std::to_string(event.environment_length) +
                                 " bytes of the environment reached the collector";
    }
    image->arguments = seen.arguments;
    std::lock_guard<std::mutex> lock(mutex_);
    seen.image = images_[event.image] = image;
  }
  if (!seen.image) {
    auto unknown = std::make_shared<Image>();
    unknown->environment_error = "the process it was forked from was not recorded";
    seen.image = unknown;
  }
  if (!seen.arguments)
    seen.arguments = seen.image->arguments;
  out.push_back(std::move(seen));
}

void ProcessEvents::expire(int64_t boot_time, int64_t epoch, std::vector<ProcessEvent> &out) {
  std::vector<uint32_t> late;
  for (const auto &[pid, pending] : pending_)
    if (static_cast<int64_t>(pending->event.time) < boot_time)
      late.push_back(pid);
  for (uint32_t pid : late)
    finish(pid, epoch, out);
}

void ProcessEvents::add_image(uint64_t number, Image image) {
  std::lock_guard<std::mutex> lock(mutex_);
  images_[number] = std::make_shared<Image>(std::move(image));
}

void ProcessEvents::remove_image(uint64_t number) {
  std::lock_guard<std::mutex> lock(mutex_);
  images_.erase(number);
}
