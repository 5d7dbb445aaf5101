import type { ProcessExited, ProcessSeen } from '@syscribe/schemas'
import { withPrefixes } from './environment-block.js'
import type { HostIdentity } from './host-identity.js'
import type { Instant, ProcessExitedEvent, ProcessSeenEvent } from './native.js'
import type { ProcProcess } from './proc-process.js'
import type { FoundProcess } from './process-scan.js'

/** Makes records of what the kernel and /proc say of processes. */
export function processRecords(identity: HostIdentity, prefixes: readonly string[], proc: ProcProcess) {
  const kept = (block: Buffer | null) => block && withPrefixes(block, prefixes)

  return {
    /** A process seen at exec, or at its first use of a socket after a fork. */
    seen(event: ProcessSeenEvent): ProcessSeen {
      // The kernel names the path in cgroup v2 only; on hosts of v1 the container shows in the others.
      const cgroup = event.cgroup === null || event.cgroup === '/' ? proc.cgroup(event.pid) : event.cgroup
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
        cgroup,
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
