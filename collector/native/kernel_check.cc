// SPDX-License-Identifier: Apache-2.0
#include "kernel_check.h"
#include "fault.h"
#include "libbpf_log.h"
#include "programs.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace {
struct Check {
  std::string name;
  bool ok;
  bool required;
  std::string message;
  std::string code;
  std::string detail;
};

/** An empty file describes nothing, however readable it is. */
bool has_btf() {
  struct stat found{};
  const char *path = "/sys/kernel/btf/vmlinux";
  return access(path, R_OK) == 0 && stat(path, &found) == 0 && found.st_size > 0;
}

bool capable(int capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (syscall(SYS_capget, &header, data) != 0)
    return false;
  return (data[capability / 32].effective >> (capability % 32) & 1) != 0;
}

/** Whether bpf(2) is refused though the rights are there. A command that does not exist: seccomp knows nothing of those. */
bool call_refused() {
  union bpf_attr nothing{};
  return syscall(SYS_bpf, -1, &nothing, sizeof nothing) < 0 && errno == EPERM;
}

/** proc(5), /proc/pid/status: 2 is a filter. */
bool filtered() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("Seccomp:", 0) == 0)
      return line.find('2') != std::string::npos;
  return false;
}

Check check(const char *name, bool ok, bool required, const char *good, const char *bad, const char *code) {
  return {name, ok, required, ok ? good : bad, ok ? "" : code, ""};
}

/** Whether these programs load here; loads and drops them. */
Check loads(const std::string &object, Settings::Hook hook, bool required) {
  const char *const places[] = {"the socket tracepoints", "the system call tracepoints",
                                "inet_sendmsg, inet_recvmsg and their like for IPv6"};
  Check result{std::string("programs_") + hook_names.at(hook), true, required,
               std::string("the programs on ") + places[hook] + " load", "", ""};
  try {
    Settings settings;
    settings.object = object;
    settings.hook = hook;
    settings.ring_bytes = 64 << 10;
    settings.process_ring_bytes = 64 << 10;
    Programs programs(settings);
  } catch (const Fault &fault) {
    result.ok = false;
    result.message = fault.what();
    result.code = fault.code;
    result.detail = fault.detail;
  }
  return result;
}
} // namespace

Napi::Value check_kernel(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  const std::string object = info[0].As<Napi::String>().Utf8Value();
  LibbpfLog quiet;
  const bool rights = capable(CAP_SYS_ADMIN) || (capable(CAP_BPF) && capable(CAP_PERFMON));
  const bool refused = rights && call_refused();
  const bool usable = rights && !refused;
  const KernelFeatures features = usable ? KernelFeatures::read() : KernelFeatures{};
  const bool btf = has_btf();
  const auto tracepoints = [](std::initializer_list<const char *> names) {
    for (const char *name : names)
      if (!has_tracepoint(name))
        return false;
    return true;
  };
  const auto map = [](bpf_map_type type) { return libbpf_probe_bpf_map_type(type, nullptr) == 1; };
  std::vector<Check> checks;
  checks.push_back(check("rights", rights, true, "may load BPF programs",
                         "may not load BPF programs: run as root, or with CAP_BPF and CAP_PERFMON", "no_rights"));
  if (refused) {
    const bool filter = filtered();
    checks.push_back(check("bpf_call", false, true, "",
                           filter ? "a seccomp filter refuses bpf(2), whatever the rights: that of the container engine"
                                  : "bpf(2) is refused though the rights are there: they may be those of a user namespace, "
                                    "or a security module forbids it",
                           filter ? "seccomp" : "bpf_refused"));
  }
  checks.push_back(check("btf", btf, true, "the kernel describes its types (BTF)",
                         "the kernel has no /sys/kernel/btf/vmlinux: it must be built with CONFIG_DEBUG_INFO_BTF",
                         "no_btf"));
  if (btf) {
    checks.push_back(check("sock_length_tracepoints", tracepoints({"sock_send_length", "sock_recv_length"}), false,
                           "socket I/O is seen where it happens, at no cost to anything else",
                           features.socket_functions
                               ? "no sock_send_length and sock_recv_length (Linux 6.3): the functions they stand behind "
                                 "are traced instead, at no cost to anything else either"
                               : "no sock_send_length and sock_recv_length (Linux 6.3): every system call of every "
                                 "process passes a program instead",
                           "kernel_too_old"));
    checks.push_back(check("syscall_tracepoints", tracepoints({"sys_enter", "sys_exit"}), false,
                           "system calls can be seen", "no tracepoints on system calls (CONFIG_FTRACE_SYSCALLS)",
                           "kernel_too_old"));
    checks.push_back(check("process_tracepoints",
                           tracepoints({"sched_process_exec", "sched_process_fork", "sched_process_exit"}), true,
                           "consent is decided at exec", "no tracepoints on exec, fork and exit", "kernel_too_old"));
    checks.push_back(check("socket_state_tracepoints", tracepoints({"inet_sock_set_state", "tcp_destroy_sock"}), true,
                           "connections are seen as they open and close",
                           "no tracepoints inet_sock_set_state and tcp_destroy_sock", "kernel_too_old"));
  }
  if (usable) {
    checks.push_back(check("sk_storage", map(BPF_MAP_TYPE_SK_STORAGE), true, "state is kept with the socket",
                           "no socket storage (Linux 5.2)", "kernel_too_old"));
    checks.push_back(check("ringbuf", map(BPF_MAP_TYPE_RINGBUF), true, "records leave the kernel through a ring",
                           "no BPF ring buffer (Linux 5.8)", "kernel_too_old"));
    checks.push_back(check("bpf_loop", features.bpf_loop, false, "programs loop with bpf_loop",
                           "no bpf_loop (Linux 5.17): programs loop by walking a map, which does as well",
                           "kernel_too_old"));
    checks.push_back(check("iterator", has_iterator("task_file"), false,
                           "connections open before the start are found",
                           "no BPF iterators: connections open before the start are known at their next use",
                           "kernel_too_old"));
    if (btf) {
      const Settings::Hook best = features.best_hook();
      for (const Settings::Hook hook : {Settings::SOCKET, Settings::FUNCTION, Settings::SYSCALL})
        if ((hook != Settings::SOCKET || features.socket_tracepoints) &&
            (hook != Settings::FUNCTION || features.socket_functions))
          checks.push_back(loads(object, hook, hook == best));
    }
  }
  const std::string programs = "programs_";
  bool can_run = true;
  std::string hook;
  Napi::Array list = Napi::Array::New(env, checks.size());
  for (uint32_t i = 0; i < checks.size(); i++) {
    const Check &one = checks[i];
    if (one.name.rfind(programs, 0) == 0)
      hook = one.required && one.ok ? one.name.substr(programs.size()) : hook;
    else if (one.required && !one.ok)
      can_run = false;
    Napi::Object value = Napi::Object::New(env);
    value.Set("name", one.name);
    value.Set("ok", one.ok);
    value.Set("required", one.required);
    value.Set("message", one.message);
    value.Set("code", one.code.empty() ? env.Null() : Napi::String::New(env, one.code).As<Napi::Value>());
    value.Set("detail", one.detail.empty() ? env.Null() : Napi::String::New(env, one.detail).As<Napi::Value>());
    list[i] = value;
  }
  utsname system{};
  uname(&system);
  Napi::Object report = Napi::Object::New(env);
  report.Set("release", system.release);
  report.Set("machine", system.machine);
  report.Set("hook", !can_run || hook.empty() ? env.Null() : Napi::String::New(env, hook).As<Napi::Value>());
  report.Set("checks", list);
  return report;
}
