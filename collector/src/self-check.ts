import { accessSync, constants } from 'node:fs'
import { CaptureError, type CaptureErrorCode, checkKernel, type KernelCheck } from './native.js'

/** One line of `syscribe doctor`. */
export interface Check {
  name: string
  /** `warn`: capture works, with less. */
  ok: boolean | 'warn'
  /** What was found, in a sentence. */
  detail: string
  /** What to do about it; null when nothing need be done. */
  remedy: string | null
}

const remedies: Partial<Record<CaptureErrorCode, string>> = {
  addon_missing: 'Build the addon: npm run build -w @syscribe/collector',
  object_missing: 'Build the eBPF programs: npm run build -w @syscribe/collector',
  not_linux: 'Run Syscribe on Linux, for example in a virtual machine.',
  no_btf: 'Use a kernel built with CONFIG_DEBUG_INFO_BTF=y (every current distribution kernel is).',
  no_rights:
    'Run as root, or grant CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN (docs/kubernetes.md says what else each right is for).',
  seccomp:
    'Run the container with --security-opt seccomp=unconfined, or a profile that allows bpf and perf_event_open (docs/kubernetes.md).',
  bpf_refused:
    'Run it as root of the host, not of a user namespace (rootless containers), and look for a lockdown in dmesg.',
  kernel_too_old: 'Use Linux 5.17 or newer on x86_64, 6.3 or newer elsewhere.',
  program_rejected: 'Report the verifier log that the detail shows, with the output of uname -a.',
  attach_failed: 'Check that no security module forbids tracing (lockdown, SELinux), then try again.',
  no_memory: 'Free memory, or lower SYSCRIBE_RING_BYTES.',
}

/** What this kernel, these rights and this build can and cannot do. */
export function selfCheck(): Check[] {
  try {
    const report = checkKernel()
    const kernel: Check = {
      name: 'capture',
      ok: report.hook !== null,
      detail:
        report.hook === null
          ? `Linux ${report.release} on ${report.machine}: capture cannot run.`
          : `Linux ${report.release} on ${report.machine}: capture runs on the ${hookNames[report.hook]}.`,
      remedy: report.hook === null ? 'See the failed checks.' : null,
    }
    return [kernel, ...report.checks.map(fromKernel), procCheck()]
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error
    return [{ name: 'build', ok: false, detail: error.message, remedy: remedies[error.code] ?? null }, procCheck()]
  }
}

const hookNames = {
  socket: 'socket tracepoints (sock_send_length, sock_recv_length)',
  function: 'functions that send and receive for IP sockets (inet_sendmsg, inet_recvmsg)',
  syscall: 'system call tracepoints (sys_enter, sys_exit)',
}

function fromKernel(check: KernelCheck): Check {
  const detail = check.detail === null ? check.message : `${check.message} (${check.detail})`
  return {
    name: check.name,
    ok: check.ok || (check.required ? false : 'warn'),
    detail,
    remedy: check.ok || check.code === null ? null : (remedies[check.code] ?? null),
  }
}

/** With hidepid or in another pid namespace, processes that already run are not seen. */
function procCheck(): Check {
  try {
    accessSync('/proc/1/environ', constants.R_OK)
    return { name: 'proc', ok: true, detail: 'Processes that already run can be read.', remedy: null }
  } catch {
    return {
      name: 'proc',
      ok: 'warn',
      detail: '/proc/1/environ cannot be read: processes that already run may be missed.',
      remedy: 'Run as root in the host’s pid namespace (docker run --pid=host).',
    }
  }
}
