import { News } from '../local/news.js'

/** While news is fresh it is looked for often; then ever less, up to 60 times a second: about 0.1 % of a core. */
const shortestMs = 2
const longestMs = 16

/** News that may also come from other threads and processes: while someone waits, their count of commits is looked at. */
export class PolledNews extends News {
  readonly #count: () => number
  #seen: number
  #timer: NodeJS.Timeout | null = null
  #intervalMs = shortestMs

  /** `count` changes when another opener has written; it is called while someone waits. */
  constructor(count: () => number) {
    super()
    this.#count = count
    this.#seen = count()
  }

  override wait(ms: number, signal?: AbortSignal): Promise<void> {
    const waiting = super.wait(ms, signal)
    this.#schedule()
    return waiting
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.#look(), this.#intervalMs)
  }

  #look(): void {
    this.#timer = null
    const count = this.#count()
    if (count !== this.#seen) {
      this.#seen = count
      this.#intervalMs = shortestMs
      this.announce()
    } else if (this.hasWaiting) {
      this.#intervalMs = Math.min(longestMs, this.#intervalMs * 1.25)
      this.#schedule()
    }
  }
}
