import { readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { containerIdsOfCgroup, type HostEntry } from '@syscribe/schemas'
import { parseHostsFile } from './hosts-file.js'
import { type ProcStat, parseProcStat } from './proc-stat.js'

/** Reads one process of /proc (proc(5)). Every answer is null when the process has gone or may not be read. */
export interface ProcProcess {
  stat(pid: number): ProcStat | null
  /** NUL-separated strings, or the reason they could not be read. */
  environment(pid: number): Buffer | { error: string }
  cmdline(pid: number): Buffer
  cgroup(pid: number): string
  hosts(pid: number): HostEntry[]
}

function attempt<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}

/** The real /proc, or another folder of that shape. */
export function procProcess(root = '/proc'): ProcProcess {
  const hostsFiles = new Map<string, HostEntry[]>()

  return {
    stat: (pid) => {
      const text = attempt(() => readFileSync(`${root}/${pid}/stat`, 'utf8'))
      return text === null ? null : parseProcStat(text)
    },
    environment: (pid) => {
      try {
        return readFileSync(`${root}/${pid}/environ`)
      } catch (cause) {
        return { error: cause instanceof Error ? cause.message : String(cause) }
      }
    },
    cmdline: (pid) => attempt(() => readFileSync(`${root}/${pid}/cmdline`)) ?? Buffer.alloc(0),
    cgroup: (pid) => cgroupPath(attempt(() => readFileSync(`${root}/${pid}/cgroup`, 'utf8')) ?? ''),
    hosts: (pid) => {
      const path = `${root}/${pid}/root/etc/hosts`
      const stat = attempt(() => statSync(path))
      if (stat === null) return []
      // Read once per file and change: thousands of processes share one.
      const identity = `${stat.dev}:${stat.ino}:${stat.mtimeMs}`
      let entries = hostsFiles.get(identity)
      if (entries === undefined) {
        entries = parseHostsFile(attempt(() => readFileSync(path, 'utf8')) ?? '', hostname())
        if (hostsFiles.size > 1000) hostsFiles.clear()
        hostsFiles.set(identity, entries)
      }
      return entries
    },
  }
}

/** The path of /proc/<pid>/cgroup (cgroups(7)) that tells most. */
export function cgroupPath(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => ({ v2: line.startsWith('0::'), path: line.split(':').slice(2).join(':') }))
  const unified = lines.find(({ v2 }) => v2)?.path ?? ''
  return tellingCgroup(
    unified,
    lines.filter(({ v2 }) => !v2).map(({ path }) => path),
  )
}

/**
 * Of a process's paths in the cgroup hierarchies the one that names its container; else that of v2 unless it is the
 * root, else the longest. On hosts that have both, runtimes put containers into v1's, and v2 may then show nothing, or
 * the service that started them.
 */
export function tellingCgroup(unified: string, controllers: readonly string[]): string {
  const longest = controllers.reduce((longer, path) => (path.length > longer.length ? path : longer), '')
  const naming = [unified, longest, ...controllers].find((path) => containerIdsOfCgroup(path).length > 0)
  if (naming !== undefined) return naming
  return unified.length > 1 || longest === '' ? unified : longest
}
