import { readFileSync } from 'node:fs'
import { median, quantile } from './median.js'

/** A figure, and the share of the processors' time that the host of this virtual machine took away meanwhile. */
export interface Sample {
  value: number
  stolen: number
}

/** Above this share a window says more of the host than of us. */
const calm = 0.02
/** With fewer rounds with calm windows than this all are used. */
const enough = 3

/** Windows without and with what is measured, taken one after the other. */
export interface Round {
  off: readonly Sample[]
  on: readonly Sample[]
}

/** Of each round's own windows: what drifts over minutes, as a virtual machine's speed does, is then in both parts of each ratio. */
export interface Comparison {
  /** Medians of the rounds' medians. */
  off: number
  on: number
  /** Median of the rounds' ratios on / off, and their quartiles. */
  ratio: number
  quartiles: readonly [lower: number, upper: number]
  /** Rounds that have calm windows of both kinds, or all when those are too few; and all. */
  used: string
}

/** Runs a measurement and looks at what was stolen meanwhile (`steal` of /proc/stat, proc_stat(5)). */
export async function sample(measure: () => Promise<number>): Promise<Sample> {
  const before = processorTimes()
  const value = await measure()
  const after = processorTimes()
  return { value, stolen: (after.steal - before.steal) / Math.max(1, after.all - before.all) }
}

export function comparison(rounds: readonly Round[]): Comparison {
  const middle = ({ off, on }: Round) => ({ off: median(off.map(value)), on: median(on.map(value)) })
  const kept = rounds
    .map(({ off, on }) => ({ off: off.filter(isCalm), on: on.filter(isCalm) }))
    .filter(({ off, on }) => off.length > 0 && on.length > 0)
  const used = (kept.length >= enough ? kept : rounds).map(middle)
  const ratios = used.map(({ off, on }) => on / off)
  return {
    off: median(used.map(({ off }) => off)),
    on: median(used.map(({ on }) => on)),
    ratio: median(ratios),
    quartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    used: kept.length >= enough ? `${kept.length}/${rounds.length}` : `${rounds.length}, not calm`,
  }
}

const value = (sample: Sample) => sample.value
const isCalm = ({ stolen }: Sample) => stolen < calm

function processorTimes() {
  const [, ...fields] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] as string).split(/\s+/)
  const ticks = fields.slice(0, 8).map(Number)
  return { steal: ticks[7] ?? 0, all: ticks.reduce((sum, each) => sum + each, 0) }
}
