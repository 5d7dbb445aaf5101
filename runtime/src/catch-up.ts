import type { Log } from '@syscribe/log'
import type { StagePosition } from './stage.js'
import type { StageState } from './stage-loop.js'

/** How far a replay has come: records taken by the parts that run again, of those their inputs held when it looked first. */
export interface ReplayProgress {
  records: number
  of: number
}

export interface CatchUpOptions {
  /**
   * Looks that the stages may stand still before it is said that they cannot take more: what a watermark holds back is
   * taken when it comes. Default 1.
   */
  standing?: number
  /** Laps without much delay that count as caught up: one for each stage that a record passes. Default 1. */
  laps?: number
  /** A lap that took no longer is without much delay. Milliseconds, default 5,000. */
  lapMs?: number
  /** Milliseconds of any one clock. */
  now?: () => number
}

interface Offsets {
  start: number
  end: number
}

/**
 * Finds out, look by look, whether stages have caught up with a log that goes on. They run laps: each is to the ends that
 * the log had when it began, whatever comes meanwhile. After a short one they are behind by no more than its time.
 */
export class CatchUp {
  readonly #log: Log
  readonly #options: Required<CatchUpOptions>
  /** Where the lap leads. */
  #goal: Map<string, Offsets> | null = null
  #lapBegan = 0
  #lapBefore = Number.POSITIVE_INFINITY
  /** Laps in a row without much delay. */
  #laps = 0
  #caughtUp = false
  #places = ''
  #stands = 0

  /** `log` is the one the stages read. */
  constructor(log: Log, options: CatchUpOptions = {}) {
    this.#log = log
    this.#options = { standing: 1, laps: 1, lapMs: 5_000, now: () => performance.now(), ...options }
  }

  /** Whether they have caught up, or cannot take more. */
  async look(states: readonly StageState[]): Promise<boolean> {
    const places = states.flatMap(({ part, stage }) => (stage?.positions() ?? []).map((at) => ({ part, ...at })))
    const text = JSON.stringify(places)
    this.#stands = text === this.#places ? this.#stands + 1 : 0
    this.#places = text
    const goal = this.#goal
    if (goal === null) {
      await this.#beginLap()
      return false
    }
    // A record that waits for another host's watermark is passed over too.
    const has = (at: StagePosition) => at.reached >= (goal.get(nameOf(at))?.end ?? 0)
    const all = states.every(({ stage }) => stage !== null)
    if (!all || !(this.#stands >= this.#options.standing || places.every(has))) return this.#caughtUp
    const { now, lapMs, laps } = this.#options
    const lap = now() - this.#lapBegan
    // One that is no shorter than the one before: they come no nearer, the log grows as fast as they are.
    this.#laps = lap <= lapMs || lap > this.#lapBefore * 0.9 ? this.#laps + 1 : 0
    this.#lapBefore = lap
    this.#caughtUp ||= this.#laps >= laps
    await this.#beginLap()
    return this.#caughtUp
  }

  /** Forgets the looks before: the log has got what it had not. */
  begin(): void {
    this.#goal = null
    this.#lapBefore = Number.POSITIVE_INFINITY
    this.#laps = 0
    this.#caughtUp = false
    this.#places = ''
    this.#stands = 0
  }

  /** Of the lap that runs. Once they have caught up, what has come since does not count. */
  progress(states: readonly StageState[]): ReplayProgress {
    let records = 0
    let of = 0
    for (const { stage } of states) {
      for (const at of stage?.positions() ?? []) {
        const { start, end } = this.#goal?.get(nameOf(at)) ?? { start: 0, end: at.reached }
        const reached = Math.max(0, at.reached - start)
        records += reached
        of += this.#caughtUp ? reached : Math.max(reached, end - start)
      }
    }
    return { records, of }
  }

  async #beginLap(): Promise<void> {
    const goal = new Map<string, Offsets>()
    for (const { topic, offsets } of await this.#log.describeTopics()) {
      for (const { partition, start, end } of offsets) goal.set(nameOf({ topic, partition }), { start, end })
    }
    this.#goal = goal
    this.#lapBegan = this.#options.now()
  }
}

function nameOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`
}
