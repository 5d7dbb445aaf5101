/** Something that is being found out, and holds a watermark no longer than this. Milliseconds. */
export const holdMs = 5_000

/** What a watermark waits for: each for a bounded time, after which it goes on without. */
export class WatermarkHolds {
  readonly #holds = new Set<{ time: number; since: number }>()

  /**
   * Holds the watermark before a time.
   * @param time microseconds since the Unix epoch
   * @param now milliseconds of any one clock
   * @returns lets go; may be called again
   */
  hold(time: number, now = Date.now()): () => void {
    const hold = { time, since: now }
    this.#holds.add(hold)
    return () => void this.#holds.delete(hold)
  }

  /** How far the watermark may go now, `upTo` at most. */
  limit(upTo: number, now = Date.now()): number {
    let least = upTo
    for (const hold of this.#holds) {
      if (now - hold.since < holdMs) least = Math.min(least, hold.time - 1)
      else this.#holds.delete(hold)
    }
    return least
  }

  get waiting(): boolean {
    return this.#holds.size > 0
  }
}
