/** Watermarks follow one another this closely for a while after the last record, so that waits in event time end. */
const soonMs = 500
const soonFor = 5_000
const laterMs = 10_000

/**
 * Decides whether a round that holds nothing should still state a watermark: often just after activity, seldom when
 * nothing happens for long, but always often where other hosts wait for it. Times are in milliseconds of any one clock.
 */
export class IdleWatermarks {
  readonly #laterMs: number
  #lastRecord = Number.NEGATIVE_INFINITY
  #lastWatermark = Number.NEGATIVE_INFINITY

  /** @param shared other hosts may write the same partitions */
  constructor(shared = false) {
    this.#laterMs = shared ? soonMs : laterMs
  }

  /** @param empty the round holds no record */
  due(now: number, empty: boolean): boolean {
    if (!empty) this.#lastRecord = now
    const interval = now - this.#lastRecord < soonFor ? soonMs : this.#laterMs
    if (empty && now - this.#lastWatermark < interval) return false
    this.#lastWatermark = now
    return true
  }
}
