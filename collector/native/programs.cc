// SPDX-License-Identifier: Apache-2.0
#include "programs.h"
#include "fault.h"
#include "libbpf_log.h"
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/mman.h>
#include <unistd.h>

namespace {
/** As in bpf/config.h. */
constexpr uint32_t scratch_slots = 4;

/** In the order of attaching: a fork or exec must not be missed between two of them. */
const char *const process_programs[] = {"process_forked", "process_executed", "process_exited"};
const char *const socket_programs[] = {"socket_state_changed", "socket_destroyed"};
/** By Settings::Hook. */
const std::vector<const char *> hook_programs[] = {
    {"socket_send", "socket_receive"},
    {"syscall_entered", "syscall_exited"},
    {"inet4_sent", "inet6_sent", "inet4_received", "inet6_received"},
};
/** Of HOOK function, where the function is there: before Linux 6.5. */
const char *const page_program = "inet_page_sent";
const char *const iterator_program = "open_sockets";
/** Of HOOK socket, and only where there is a cgroup2 hierarchy. */
const char *const udp_programs[] = {"udp4_received", "udp6_received"};

/** Descriptor of the root of the mounted cgroup2 hierarchy, -1 when there is none. */
int open_cgroup_root() {
  std::ifstream mounts("/proc/self/mounts");
  std::string device, path, type, rest;
  while (mounts >> device >> path >> type && std::getline(mounts, rest))
    if (type == "cgroup2")
      return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return -1;
}

std::string error_text(int error) { return std::strerror(error); }

btf *kernel_btf() {
  static btf *const loaded = btf__load_vmlinux_btf();
  return libbpf_get_error(loaded) ? nullptr : loaded;
}

/** BTF's number of a function of the kernel; 0 when it has none. */
int function_id(const char *name) {
  const btf *kernel = kernel_btf();
  const int id = kernel == nullptr ? 0 : btf__find_by_name_kind(kernel, name, BTF_KIND_FUNC);
  return id > 0 ? id : 0;
}

/** Whether a program can be put at the end of this function: tried, because it depends on kernel, build and processor. */
bool can_trace(const char *name) {
  const bpf_insn nothing[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
                              {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FEXIT,
              .attach_btf_id = static_cast<uint32_t>(function_id(name)));
  if (options.attach_btf_id == 0)
    return false;
  const int program = bpf_prog_load(BPF_PROG_TYPE_TRACING, nullptr, "GPL", nothing, 2, &options);
  const int link = program < 0 ? -1 : bpf_raw_tracepoint_open(nullptr, program);
  close(link);
  close(program);
  return link >= 0;
}
} // namespace

bool has_tracepoint(const char *name) {
  const btf *kernel = kernel_btf();
  const std::string type = std::string("btf_trace_") + name;
  return kernel != nullptr && btf__find_by_name_kind(kernel, type.c_str(), BTF_KIND_TYPEDEF) > 0;
}

bool has_iterator(const char *name) {
  const btf *kernel = kernel_btf();
  const std::string type = std::string("bpf_iter__") + name;
  return kernel != nullptr && btf__find_by_name_kind(kernel, type.c_str(), BTF_KIND_STRUCT) > 0;
}

KernelFeatures KernelFeatures::read() {
  KernelFeatures features;
  features.btf = kernel_btf() != nullptr;
  features.socket_tracepoints = has_tracepoint("sock_send_length") && has_tracepoint("sock_recv_length");
  features.socket_functions = can_trace("inet_sendmsg") && can_trace("inet6_sendmsg") && can_trace("inet_recvmsg") &&
                              can_trace("inet6_recvmsg");
  features.udp_senders =
      libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_FUNC_get_current_pid_tgid, nullptr) == 1 &&
      libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_FUNC_sk_storage_get, nullptr) == 1;
  features.bpf_loop = libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_loop, nullptr) == 1;
  return features;
}

Settings::Hook KernelFeatures::best_hook() const {
  return socket_tracepoints ? Settings::SOCKET : socket_functions ? Settings::FUNCTION : Settings::SYSCALL;
}

Programs::Programs(const Settings &settings) : cpus_(libbpf_num_possible_cpus()) {
  const KernelFeatures features = KernelFeatures::read();
  if (!features.btf)
    throw Fault("no_btf", "the kernel offers no type information: /sys/kernel/btf/vmlinux is missing "
                          "(CONFIG_DEBUG_INFO_BTF=y)");
  if (settings.hook == Settings::SOCKET && !features.socket_tracepoints)
    throw Fault("kernel_too_old", "the tracepoints sock_send_length and sock_recv_length came with Linux 6.3");
  if (settings.hook == Settings::FUNCTION && !features.socket_functions)
    throw Fault("kernel_too_old", "no program can be put at the end of inet_sendmsg and its like (on x86_64: Linux 5.5; "
                                  "on arm64: Linux 6.4)");
  if (settings.loop == Settings::LOOP_BPF && !features.bpf_loop)
    throw Fault("kernel_too_old", "bpf_loop came with Linux 5.17");
  Settings chosen = settings;
  if (chosen.hook == Settings::AUTO)
    chosen.hook = features.best_hook();
  if (chosen.loop == Settings::LOOP_AUTO)
    chosen.loop = features.bpf_loop ? Settings::LOOP_BPF : Settings::LOOP_MAP;
  hook_ = static_cast<Settings::Hook>(chosen.hook);

  if (hook_ == Settings::SOCKET && features.udp_senders)
    cgroup_ = open_cgroup_root();

  LibbpfLog log;
  object_ = bpf_object__open_file(settings.object.c_str(), nullptr);
  if (object_ == nullptr)
    throw Fault("system", "cannot open " + settings.object + ": " + error_text(errno), log.text());
  try {
    configure(chosen);
    load();
    for (const auto &value : settings.allowed) {
      std::array<char, PROFILE_BYTES> key{};
      std::memcpy(key.data(), value.data(), value.size());
      const uint8_t one = 1;
      if (bpf_map_update_elem(map("allowed"), key.data(), &one, BPF_ANY) != 0)
        throw Fault("system", "cannot fill the map of allowed profiles: " + error_text(errno));
    }
    losses_map_ = map("losses");
    map_observed();
  } catch (...) {
    bpf_object__close(object_);
    close(cgroup_);
    throw;
  }
}

Programs::~Programs() {
  detach();
  munmap(bss_, bss_bytes_);
  bpf_object__close(object_);
  close(cgroup_);
}

void Programs::configure(const Settings &settings) {
  auto entries = [this](const char *name, uint32_t count) {
    bpf_map__set_max_entries(bpf_object__find_map_by_name(object_, name), count);
  };
  entries("socket_ring", settings.ring_bytes);
  entries("process_ring", settings.process_ring_bytes);
  entries("processes", settings.max_processes);
  entries("images", settings.max_processes);
  entries("scratches", scratch_slots * static_cast<uint32_t>(cpus_));
  entries("allowed", settings.allowed.size() < 1024 ? 1024 : static_cast<uint32_t>(settings.allowed.size()));
  if (settings.hook == Settings::SYSCALL)
    entries("tcp_sockets_by_address", 65536);
  set_variable("hook", static_cast<uint64_t>(settings.hook));
  set_variable("loop", static_cast<uint64_t>(settings.loop));
  set_variable("self_tgid", static_cast<uint64_t>(getpid()));
  set_variable("cap_bytes", settings.cap_bytes);
  set_variable("wake_bytes", settings.ring_bytes / 4);
  set_variable("has_allowed", settings.any_profile ? 0 : 1);
  auto load_if = [this](const char *name, bool wanted) {
    bpf_program__set_autoload(bpf_object__find_program_by_name(object_, name), wanted);
  };
  for (size_t hook = 0; hook < hook_names.size(); hook++)
    for (const char *name : hook_programs[hook])
      load_if(name, static_cast<int>(hook) == settings.hook);
  load_if(page_program, sends_pages());
  for (const char *name : udp_programs)
    load_if(name, cgroup_ >= 0);
}

bool Programs::sends_pages() const { return hook_ == Settings::FUNCTION && can_trace("inet_sendpage"); }

bpf_map *Programs::data_section(const char *section) const {
  bpf_map *map = nullptr;
  bpf_object__for_each_map(map, object_) {
    if (std::strstr(bpf_map__name(map), section) != nullptr)
      return map;
  }
  throw Fault("system", std::string("the BPF object has no ") + section);
}

const btf_var_secinfo *Programs::variable(const char *section, const char *name) const {
  const btf *types = bpf_object__btf(object_);
  const int id = btf__find_by_name_kind(types, section, BTF_KIND_DATASEC);
  const btf_type *type = id > 0 ? btf__type_by_id(types, static_cast<uint32_t>(id)) : nullptr;
  for (int i = 0; type != nullptr && i < btf_vlen(type); i++) {
    const btf_var_secinfo *variable = btf_var_secinfos(type) + i;
    const btf_type *declared = btf__type_by_id(types, variable->type);
    if (std::strcmp(btf__name_by_offset(types, declared->name_off), name) == 0)
      return variable;
  }
  throw Fault("system", std::string("the BPF object has no variable ") + name);
}

void Programs::set_variable(const char *name, uint64_t value) {
  const btf_var_secinfo *place = variable(".rodata", name);
  size_t size = 0;
  const void *data = bpf_map__initial_value(data_section(".rodata"), &size);
  // Before loading this is ordinary memory of libbpf's. Little-endian hosts only.
  std::memcpy(static_cast<uint8_t *>(const_cast<void *>(data)) + place->offset, &value, place->size);
}

void Programs::map_observed() {
  const bpf_map *section = data_section(".bss");
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  bss_bytes_ = (bpf_map__value_size(section) + page - 1) / page * page;
  void *memory = mmap(nullptr, bss_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(section), 0);
  if (memory == MAP_FAILED)
    throw Fault("system", "cannot map .bss: " + error_text(errno));
  bss_ = static_cast<uint8_t *>(memory);
  observed_ = reinterpret_cast<uint64_t *>(bss_ + variable(".bss", "observed")->offset);
}

void Programs::mark_observed(uint32_t pid, bool observed) const {
  uint64_t *word = observed_ + pid / 64;
  const uint64_t bit = 1ull << (pid % 64);
  if (observed)
    __atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
  else
    __atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST);
}

namespace {
/** Holds signals off this thread: the verifier gives up with EAGAIN when one is pending (a profiler's, a stop). */
class SignalsHeld {
public:
  SignalsHeld() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld &) = delete;
  SignalsHeld &operator=(const SignalsHeld &) = delete;

private:
  sigset_t before_;
};
} // namespace

void Programs::load() {
  LibbpfLog log;
  const int error = [this] {
    const SignalsHeld held;
    return -bpf_object__load(object_);
  }();
  if (error == 0)
    return;
  const std::string detail = log.text();
  if (error == EPERM)
    throw Fault("no_rights", "loading BPF programs is not permitted: run as root, or with CAP_BPF, CAP_PERFMON and "
                             "CAP_NET_ADMIN",
                detail);
  if (error == ENOMEM)
    throw Fault("no_memory", "not enough memory for BPF maps and rings", detail);
  if (error == ESRCH || error == ENOENT)
    throw Fault("kernel_too_old", "the kernel lacks a tracepoint or type that capture needs: Linux 5.15 or newer is "
                                  "required",
                detail);
  throw Fault("program_rejected", "the kernel refused a BPF program: " + error_text(error), detail);
}

void Programs::attach() {
  std::vector<const char *> names(std::begin(process_programs), std::end(process_programs));
  names.insert(names.end(), std::begin(socket_programs), std::end(socket_programs));
  names.insert(names.end(), hook_programs[hook_].begin(), hook_programs[hook_].end());
  if (sends_pages())
    names.push_back(page_program);
  LibbpfLog log;
  auto attach = [&](const char *name) {
    bpf_link *link = bpf_program__attach(bpf_object__find_program_by_name(object_, name));
    if (link == nullptr)
      throw Fault("attach_failed", std::string("cannot attach ") + name + ": " + error_text(errno), log.text());
    return link;
  };
  for (const char *name : names)
    links_.push_back(attach(name));
  iterator_ = attach(iterator_program);
  if (cgroup_ < 0)
    return;
  for (const char *name : udp_programs) {
    bpf_link *link = bpf_program__attach_cgroup(bpf_object__find_program_by_name(object_, name), cgroup_);
    if (link != nullptr) // else peers of unconnected receives stay unknown
      links_.push_back(link);
  }
}

void Programs::detach() {
  for (bpf_link *link : links_)
    bpf_link__destroy(link);
  links_.clear();
  if (iterator_ != nullptr)
    bpf_link__destroy(iterator_);
  iterator_ = nullptr;
}

int Programs::map(const char *name) const { return bpf_object__find_map_fd_by_name(object_, name); }

uint32_t Programs::announce_open_sockets() {
  if (iterator_ == nullptr)
    return 0;
  const int iteration = bpf_iter_create(bpf_link__fd(iterator_));
  if (iteration < 0)
    throw Fault("system", "cannot run the socket iterator: " + error_text(errno));
  // The program writes one byte for each connection it announces.
  uint32_t announced = 0;
  char bytes[4096];
  ssize_t count;
  while ((count = read(iteration, bytes, sizeof bytes)) > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN)))
    if (count > 0)
      announced += static_cast<uint32_t>(count);
  const int error = errno;
  close(iteration);
  if (count < 0)
    throw Fault("system", "the socket iterator failed: " + error_text(error));
  return announced;
}

std::array<loss, LOSS_CAUSES> Programs::losses() const {
  std::array<loss, LOSS_CAUSES> totals{};
  std::vector<loss> per_cpu(static_cast<size_t>(cpus_));
  for (uint32_t cause = 0; cause < LOSS_CAUSES; cause++) {
    if (bpf_map_lookup_elem(losses_map_, &cause, per_cpu.data()) != 0)
      continue;
    for (const loss &one : per_cpu) {
      totals[cause].records += one.records;
      totals[cause].bytes += one.bytes;
    }
  }
  return totals;
}
