import { readFileSync } from 'node:fs'

/** Clock ticks a second of /proc (getconf CLK_TCK): 100 on Linux. */
const ticksPerSecond = 100

export interface ProcessCost {
  /** User and system time of all threads, seconds. */
  cpuSeconds: number
  /** Most resident memory so far, MiB (VmHWM). */
  peakMiB: number
}

/** What a process has cost so far. */
export function processCost(pid: number): ProcessCost {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    peakMiB: Number(peak) / 1024,
  }
}
