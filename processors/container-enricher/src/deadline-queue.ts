interface Due {
  key: string
  deadline: number
  order: number
}

/** Keys by the time at which they are due, and by when they were first put. */
export class DeadlineQueue {
  /** By deadline, then order, from `#head` on. What was taken out or moved stays in the row until it comes to its head. */
  #row: Due[] = []
  #head = 0
  /** By key, in the order they were put: the entry of the row that counts. */
  readonly #waiting = new Map<string, Due>()

  /** Puts a key, or moves it to another deadline. Keys are first put with growing orders. */
  put(key: string, deadline: number, order: number): void {
    if (this.#waiting.get(key)?.deadline === deadline) return
    const due = { key, deadline, order }
    this.#waiting.set(key, due)
    let low = this.#head
    let high = this.#row.length
    const last = this.#row[high - 1]
    if (last !== undefined && isBefore(last, due)) low = high
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isBefore(this.#row[middle] as Due, due)) low = middle + 1
      else high = middle
    }
    if (low === this.#row.length) this.#row.push(due)
    else this.#row.splice(low, 0, due)
    this.#passStale()
  }

  delete(key: string): void {
    this.#waiting.delete(key)
    this.#passStale()
  }

  /** When the next is due, milliseconds. */
  get nextDeadline(): number {
    return this.#row[this.#head]?.deadline ?? Number.POSITIVE_INFINITY
  }

  /** Takes out all that is due at `time`, the earliest deadline first. */
  takeDue(time: number): Due[] {
    const taken: Due[] = []
    for (;;) {
      const due = this.#row[this.#head]
      if (due === undefined || due.deadline > time) return taken
      taken.push(due)
      this.delete(due.key)
    }
  }

  /** The key that has waited longest. */
  oldest(): string | undefined {
    return this.#waiting.keys().next().value
  }

  /** All keys, those that have waited longest first. */
  keys(): string[] {
    return [...this.#waiting.keys()]
  }

  /** What is at the head counts, always. */
  #passStale(): void {
    for (;;) {
      const due = this.#row[this.#head]
      if (due === undefined || this.#waiting.get(due.key) === due) break
      this.#head++
    }
    if (this.#head < 1024 || this.#head * 2 < this.#row.length) return
    this.#row = this.#row.slice(this.#head)
    this.#head = 0
  }
}

function isBefore(one: Due, other: Due): boolean {
  return one.deadline < other.deadline || (one.deadline === other.deadline && one.order < other.order)
}
