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

  /**
   * The last of it: nothing is added any more. Its watermark is no earlier than any of its records, for nothing that comes
   * later would let those count.
   * @param captured capture ended here
   */
  rest(captured: number): ContainersRound {
    return this.take(this.#news.reduce((latest, { at }) => Math.max(latest, at), captured))
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
