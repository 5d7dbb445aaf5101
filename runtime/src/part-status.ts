import type { Log } from '@syscribe/log'
import { faultText } from './dead-letters.js'
import { type Metrics, metricsOfPart } from './metrics.js'
import { logEnds, type StageState } from './stage-loop.js'

/** How one part is doing. */
export interface PartStatus {
  /** The processor's name, or `<projection>@<target>`. */
  part: string
  /** `retrying` after a fault, with what it was in `fault`. */
  state: 'running' | 'retrying'
  fault: string | null
  /** Records in its inputs that it has not taken. */
  lag: number
  /** Records taken since the start. */
  consumed: number
  emitted: number
  deadLetters: number
  /** Records taken a second, since the status before this one. */
  consumedPerSecond: number
  inputs: { topic: string; partition: number; next: number; end: number }[]
}

/** Makes statuses; remembers what it needs for rates. */
export class PartStatuses {
  readonly #log: Log
  readonly #metrics: Metrics
  readonly #before = new Map<string, { at: number; consumed: number }>()

  constructor(log: Log, metrics: Metrics) {
    this.#log = log
    this.#metrics = metrics
  }

  async of(states: readonly StageState[]): Promise<PartStatus[]> {
    const ends = await logEnds(this.#log)
    const parts = new Map<string, PartStatus>()
    for (const { part, stage, fault } of states) {
      const status = parts.get(part) ?? this.#empty(part)
      parts.set(part, status)
      if (stage === null) {
        status.state = 'retrying'
        status.fault = faultText(fault)
      }
      for (const { topic, partition, next } of stage?.positions() ?? []) {
        const end = ends.get(`${topic}/${partition}`) ?? next
        status.inputs.push({ topic, partition, next, end })
        status.lag += Math.max(0, end - next)
      }
    }
    return [...parts.values()]
  }

  #empty(part: string): PartStatus {
    const metrics = metricsOfPart(this.#metrics, part)
    const consumed = metrics.consumed.value
    const now = performance.now()
    const before = this.#before.get(part) ?? { at: now, consumed }
    this.#before.set(part, { at: now, consumed })
    return {
      part,
      state: 'running',
      fault: null,
      lag: 0,
      consumed,
      emitted: metrics.emitted.value,
      deadLetters: metrics.deadLetters.value,
      consumedPerSecond: now > before.at ? ((consumed - before.consumed) * 1000) / (now - before.at) : 0,
      inputs: [],
    }
  }
}
