import type { Log } from '@syscribe/log'
import type { StagePosition } from './stage.js'
import { logEnds, type StageState } from './stage-loop.js'

/** How far a replay has come: records taken by the parts that run again, of those their inputs hold now. */
export interface ReplayProgress {
  records: number
  of: number
}

/** Finds out, look by look, whether stages have caught up with a log that goes on. */
export class CatchUp {
  readonly #log: Log
  readonly #standing: number
  #ends: Map<string, number> | null = null
  #caughtUp = false
  #places = ''
  #stands = 0

  /**
   * `log` is the one the stages read. They may stand still for `standing` looks before it is said that they cannot take
   * more: what a watermark holds back is taken when it comes.
   */
  constructor(log: Log, standing = 1) {
    this.#log = log
    this.#standing = standing
  }

  /** Whether they have taken what the log held at the last look, or cannot take more. */
  async look(states: readonly StageState[]): Promise<boolean> {
    const places = states.flatMap(({ part, stage }) => (stage?.positions() ?? []).map((at) => ({ part, ...at })))
    const text = JSON.stringify(places)
    const before = this.#ends
    this.#stands = text === this.#places ? this.#stands + 1 : 0
    this.#places = text
    this.#ends = await logEnds(this.#log)
    const all = before !== null && states.every(({ stage }) => stage !== null)
    // A record that waits for another host's watermark is passed over too.
    const has = (at: StagePosition) => at.reached >= (before?.get(`${at.topic}/${at.partition}`) ?? 0)
    this.#caughtUp = all && (this.#stands >= this.#standing || places.every(has))
    return this.#caughtUp
  }

  /** Forgets the looks before: the log has got what it had not. */
  begin(): void {
    this.#ends = null
    this.#caughtUp = false
    this.#places = ''
    this.#stands = 0
  }

  /** As of the last look. Once they have caught up, what has come since does not count. */
  progress(states: readonly StageState[]): ReplayProgress {
    let records = 0
    let of = 0
    for (const { stage } of states) {
      for (const { topic, partition, reached } of stage?.positions() ?? []) {
        const end = this.#caughtUp ? reached : (this.#ends?.get(`${topic}/${partition}`) ?? reached)
        records += reached
        of += Math.max(reached, end)
      }
    }
    return { records, of }
  }
}
