import { readFileSync } from 'node:fs'
import { median } from './median.js'

/** A figure, and the share of the processors' time that the host of this virtual machine took away meanwhile. */
export interface Sample {
  value: number
  stolen: number
}

/** Above this share a window says more of the host than of us. */
const calm = 0.02
/** With fewer calm windows than this all are used. */
const enough = 3

/** Runs a measurement and looks at what was stolen meanwhile (`steal` of /proc/stat, proc_stat(5)). */
export async function sample(measure: () => Promise<number>): Promise<Sample> {
  const before = processorTimes()
  const value = await measure()
  const after = processorTimes()
  return { value, stolen: (after.steal - before.steal) / Math.max(1, after.all - before.all) }
}

/** The median of the calm windows, or of all when too few are calm; and how many of how many it is of. */
export function calmMedian(samples: readonly Sample[]): { value: number; of: string } {
  const kept = samples.filter(({ stolen }) => stolen < calm)
  const used = kept.length >= enough ? kept : samples
  return { value: median(used.map(({ value }) => value)), of: `${used.length}/${samples.length}` }
}

function processorTimes() {
  const [, ...fields] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] as string).split(/\s+/)
  const ticks = fields.slice(0, 8).map(Number)
  return { steal: ticks[7] ?? 0, all: ticks.reduce((sum, each) => sum + each, 0) }
}
