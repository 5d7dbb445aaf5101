import { readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import type { HostEntry } from '@syscribe/schemas'
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

/**
 * The path of /proc/<pid>/cgroup that tells most: cgroup v2's (`0::PATH`) unless it is the root, else the longest of
 * v1's hierarchies (cgroups(7)).
 */
export function cgroupPath(text: string): string {
  const paths = text
    .split('\n')
    .map((line) => ({ unified: line.startsWith('0::'), path: line.split(':').slice(2).join(':') }))
    .filter(({ path }) => path !== '')
  const unified = paths.find((entry) => entry.unified && entry.path !== '/')
  if (unified !== undefined) return unified.path
  return paths.reduce((longest, { path }) => (path.length > longest.length ? path : longest), '')
}
