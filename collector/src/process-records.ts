import type { ProcessExited, ProcessSeen } from '@syscribe/schemas'
import { withPrefixes } from './environment-block.js'
import type { HostIdentity } from './host-identity.js'
import type { Instant, ProcessExitedEvent, ProcessSeenEvent } from './native.js'
import { type ProcProcess, tellingCgroup } from './proc-process.js'
import type { FoundProcess } from './process-scan.js'

/** Makes records of what the kernel and /proc say of processes. */
export function processRecords(identity: HostIdentity, prefixes: readonly string[], proc: ProcProcess) {
  const kept = (block: Buffer | null) => block && withPrefixes(block, prefixes)

  return {
    /** A process seen at exec, or at its first use of a socket after a fork. */
    seen(event: ProcessSeenEvent): ProcessSeen {
      const cgroup = tellingCgroup(event.cgroup ?? '', [event.controllerCgroup ?? ''])
      return {
        ...identity,
        pid: event.pid,
        processStart: event.processStart,
        time: event.time,
        timeNanos: event.timeNanos,
        reason: event.reason,
        parentPid: event.parentPid,
        comm: event.comm,
        cmdline: event.cmdline ?? Buffer.alloc(0),
        // The hierarchy of systemd, which has no controller, shows in /proc only.
        cgroup: cgroup.length > 1 ? cgroup : proc.cgroup(event.pid) || cgroup,
        profile: event.profile,
        profileName: event.profileName,
        environment: kept(event.environment),
        environmentError: event.environmentError,
        hosts: proc.hosts(event.pid),
      }
    },

    /** A process that ran before watching began. */
    adopted(found: FoundProcess, at: Instant): ProcessSeen {
      return {
        ...identity,
        pid: found.pid,
        processStart: found.processStart,
        time: at.time,
        timeNanos: at.timeNanos,
        reason: 'adopted',
        parentPid: found.parentPid,
        comm: found.comm,
        cmdline: proc.cmdline(found.pid),
        cgroup: proc.cgroup(found.pid),
        profile: found.consent.profile,
        profileName: found.consent.profileName,
        environment: kept(found.environment),
        environmentError: found.environmentError,
        hosts: proc.hosts(found.pid),
      }
    },

    exited(event: ProcessExitedEvent): ProcessExited {
      const { pid, processStart, time, timeNanos } = event
      return { ...identity, pid, processStart, time, timeNanos }
    },
  }
}
