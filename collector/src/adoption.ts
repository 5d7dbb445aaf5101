import type { Logger } from 'pino'
import type { Capture } from './native.js'
import type { ProcProcess } from './proc-process.js'
import { type FoundProcess, listPids, scanProcesses } from './process-scan.js'

/** Scans end by themselves when one finds nothing new; a host that forks faster than that is left after so many. */
const mostScans = 10

/**
 * Finds the processes that opted in before watching began and tells the kernel side; scans again until a scan finds
 * nothing new, so that a process forked meanwhile is not missed. Then announces their open connections.
 */
export function adoptRunningProcesses(
  capture: Capture,
  proc: ProcProcess,
  allowedProfiles: readonly string[],
  logger: Logger,
): FoundProcess[] {
  const adopted: FoundProcess[] = []
  for (let scan = 0; scan < mostScans; scan++) {
    const readAt = capture.now()
    const fresh = scanProcesses(proc, listPids(), allowedProfiles).filter((found) =>
      capture.adoptProcess({
        pid: found.pid,
        processStart: found.processStart,
        readAt,
        profile: found.consent.profile,
        profileName: found.consent.profileName,
        environment: found.environment,
        environmentError: found.environmentError,
      }),
    )
    adopted.push(...fresh)
    if (fresh.length === 0) break
  }
  const connections = capture.announceOpenConnections()
  logger.info({ processes: adopted.length, connections }, 'adopted what already runs')
  return adopted
}
