import type { Histogram, MetricInfo, Metrics } from './metrics.js'

export const delayMetric = {
  name: 'syscribe_end_to_end_delay_seconds',
  help: 'From the event of the oldest record of a commit to that commit',
  kind: 'histogram',
} as const satisfies MetricInfo

export const latestDelayMetric = {
  name: 'syscribe_last_commit_delay_seconds',
  help: 'The same, of the last commit alone',
  kind: 'gauge',
} as const satisfies MetricInfo

/** Measures how long after an event its part has committed what came of it. */
export class CommitDelay {
  readonly #histogram: Histogram
  readonly #last: { set(value: number): void }
  #oldest = Number.POSITIVE_INFINITY
  /** Of the last commit that held records, milliseconds; 0 before the first. */
  lastMs = 0

  constructor(metrics: Metrics, part: string) {
    this.#histogram = metrics.histogram(delayMetric, { part })
    this.#last = metrics.metric(latestDelayMetric, { part })
  }

  /** A record was taken. @param timestamp of its event, milliseconds since the Unix epoch */
  took(timestamp: number): void {
    if (timestamp < this.#oldest) this.#oldest = timestamp
  }

  /** All that was taken has been committed. */
  committed(): void {
    if (this.#oldest === Number.POSITIVE_INFINITY) return
    this.lastMs = Math.max(0, Date.now() - this.#oldest)
    const seconds = this.lastMs / 1000
    this.#oldest = Number.POSITIVE_INFINITY
    this.#histogram.observe(seconds)
    this.#last.set(seconds)
  }
}
