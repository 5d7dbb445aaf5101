import { readFileSync } from 'node:fs'

/** Shares of a shorter time say little: the kernel counts in hundredths of a second. Milliseconds. */
const windowMs = 500

/** Time that processors have had and were idle in since they started, in any one unit. */
export interface IdleTime {
  idle: number
  all: number
}

/** How much of the processors' time is wanted by nobody. */
export class IdleShare {
  readonly #read: () => IdleTime
  readonly #now: () => number
  #since: IdleTime
  #sinceMs: number
  #share = 0

  /** Of the processors that the calling process may use, unless told where to read. */
  constructor(read: () => IdleTime = idleTimes(), now: () => number = () => performance.now()) {
    this.#read = read
    this.#now = now
    this.#since = read()
    this.#sinceMs = now()
  }

  /** 0 to 1, of the last half second or longer; 0 until half a second has passed. */
  get share(): number {
    const now = this.#now()
    if (now - this.#sinceMs < windowMs) return this.#share
    const { idle, all } = this.#read()
    const passed = all - this.#since.all
    if (passed > 0) this.#share = (idle - this.#since.idle) / passed
    this.#since = { idle, all }
    this.#sinceMs = now
    return this.#share
  }
}

/** From /proc/stat (proc_stat(5)); what the host of a virtual machine takes (`steal`) is not idle. */
function idleTimes(): () => IdleTime {
  const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? ''
  const usable = cpuNumbers(allowed)
  return () => {
    const times = { idle: 0, all: 0 }
    for (const [, cpu, counts = ''] of readFileSync('/proc/stat', 'latin1').matchAll(/^cpu(\d+) (.*)$/gm)) {
      if (!usable.has(Number(cpu))) continue
      // user nice system idle iowait irq softirq steal; guest time is in the first two already.
      const ticks = counts.split(' ').slice(0, 8).map(Number)
      times.idle += (ticks[3] ?? 0) + (ticks[4] ?? 0)
      times.all += ticks.reduce((sum, each) => sum + each, 0)
    }
    return times
  }
}

/** Of a list such as `0-3,8` (cpuset(7), "List format"). */
export function cpuNumbers(list: string): Set<number> {
  const numbers = new Set<number>()
  for (const range of list.split(',').filter((each) => each !== '')) {
    const [first = 0, last = first] = range.split('-').map(Number)
    for (let cpu = first; cpu <= last; cpu++) numbers.add(cpu)
  }
  return numbers
}
