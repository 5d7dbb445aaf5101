import type { Instant } from '../native.js'
import type { ContainerNews, ContainersRound } from '../publisher.js'

/** What has become known and has not been taken, and up to where all that is known has been. Microseconds. */
export class PendingNews {
  #news: { at: number; news: (time: Instant) => ContainerNews }[] = []
  #watermark = Number.NEGATIVE_INFINITY

  get any(): boolean {
    return this.#news.length > 0
  }

  /** @param news says it of the time it is told for: `at`, or later when it became known late */
  add(at: number, news: (time: Instant) => ContainerNews): void {
    this.#news.push({ at, news })
  }

  /** All of it. @param upTo nothing that is added later is of before */
  take(upTo: number): ContainersRound {
    const floor = this.#watermark
    this.#watermark = Math.max(floor, upTo)
    // Whatever is told late cannot be before what was said to be complete.
    const told = this.#news.map(({ at, news }) => ({ at: Math.max(at, floor), news })).sort((a, b) => a.at - b.at)
    this.#news = []
    return {
      records: told.map(({ at, news }) => news({ time: at, timeNanos: 0 })),
      watermark: { time: this.#watermark, timeNanos: 0 },
    }
  }
}
