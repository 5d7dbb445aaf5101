import { readdirSync } from 'node:fs'
import { type Consent, decideConsent } from './consent.js'
import { isOverwritten } from './environment-block.js'
import type { ProcProcess } from './proc-process.js'

/** A process that ran already and has opted in. */
export interface FoundProcess {
  pid: number
  processStart: number
  parentPid: number
  comm: string
  consent: Consent
  /** Its environment, or its parent's when `inherited`; null when it could not be read. */
  environment: Buffer | null
  /** Why the environment is not its own or could not be read. */
  environmentError: string | null
}

/**
 * Finds the processes that opted in before watching began, by the rules of exec. A program that has written over its
 * environment to show a title (nginx workers, PostgreSQL, Redis) inherits from the process that forked it.
 */
export function scanProcesses(proc: ProcProcess, pids: readonly number[], allowed: readonly string[]): FoundProcess[] {
  const decided = new Map<number, FoundProcess | null>()

  function decide(pid: number): FoundProcess | null {
    const known = decided.get(pid)
    if (known !== undefined) return known
    decided.set(pid, null) // guards against a parent loop made by a re-used pid
    const found = examine(pid)
    decided.set(pid, found)
    return found
  }

  function examine(pid: number): FoundProcess | null {
    const stat = proc.stat(pid)
    if (stat === null) return null
    const { comm, parentPid, processStart } = stat
    const environment = proc.environment(pid)
    if (!Buffer.isBuffer(environment)) return null
    if (!isOverwritten(environment)) {
      const consent = decideConsent(environment, allowed)
      return consent && { pid, processStart, parentPid, comm, consent, environment, environmentError: null }
    }
    const parent = parentPid > 0 ? decide(parentPid) : null
    return (
      parent && {
        pid,
        processStart,
        parentPid,
        comm,
        consent: parent.consent,
        environment: parent.environment,
        environmentError: `written over by the program; shown is that of its parent, pid ${parentPid}`,
      }
    )
  }

  return pids.map(decide).filter((found) => found !== null)
}

/** The process ids in /proc. */
export function listPids(root = '/proc'): number[] {
  return readdirSync(root)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}
