// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "settings.h"
#include "../../bpf/event.h"
#include <array>
#include <string>
#include <vector>

struct bpf_link;
struct bpf_map;
struct btf_var_secinfo;
struct bpf_object;
struct bpf_program;

/** What a kernel offers, as far as the choice of programs depends on it. */
struct KernelFeatures {
  bool btf = false;
  bool socket_tracepoints = false;
  /** Programs can be put at the end of the functions that send and receive for IP sockets. */
  bool socket_functions = false;
  bool bpf_loop = false;
  /** Programs on the cgroup hook of UDP receives may do what ours do. */
  bool udp_senders = false;
  static KernelFeatures read();
  /** The hook that costs others least. */
  Settings::Hook best_hook() const;
};

/** Whether the kernel's BTF has this tracepoint. */
bool has_tracepoint(const char *name);
/** Whether it has this BPF iterator. */
bool has_iterator(const char *name);

/** The BPF object in the kernel: loaded, attached, its maps. */
class Programs {
public:
  /**
   * Loads; attaches nothing yet. @throws Fault `no_btf`, `no_rights`, `kernel_too_old`, `program_rejected`,
   * `no_memory`, `system`
   */
  explicit Programs(const Settings &settings);
  ~Programs();
  Programs(const Programs &) = delete;

  /** @throws Fault `attach_failed` */
  void attach();
  /** No event comes after this. */
  void detach();

  Settings::Hook hook() const { return hook_; }
  int map(const char *name) const;

  /** Sets or clears a process's bit: bpf/process.h, observed. Behind the table when setting, before it when clearing. */
  void mark_observed(uint32_t pid, bool observed) const;

  /** Runs the iterator over open sockets; how many it announced. @throws Fault `system` */
  uint32_t announce_open_sockets();

  /** Totals over all CPUs since loading. */
  std::array<loss, LOSS_CAUSES> losses() const;

private:
  void configure(const Settings &settings);
  bool sends_pages() const;
  void set_variable(const char *name, uint64_t value);
  /** Both throw Fault `system`. */
  bpf_map *data_section(const char *section) const;
  const btf_var_secinfo *variable(const char *section, const char *name) const;
  void map_observed();
  void load();
  bpf_object *object_ = nullptr;
  Settings::Hook hook_ = Settings::SOCKET;
  std::vector<bpf_link *> links_;
  bpf_link *iterator_ = nullptr;
  uint8_t *bss_ = nullptr;
  size_t bss_bytes_ = 0;
  uint64_t *observed_ = nullptr;
  int losses_map_ = -1;
  int cgroup_ = -1;
  int cpus_ = 0;
};
