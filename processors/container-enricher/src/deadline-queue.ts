/** Keys by the time at which they are due, and by when they were first put. */
export class DeadlineQueue {
  /** By deadline, then order. */
  #due: { key: string; deadline: number; order: number }[] = []
  /** By key, in the order they were put; the place in `#due` that counts. */
  readonly #waiting = new Map<string, { deadline: number; order: number }>()

  /** Puts a key, or moves it to another deadline. Keys are first put with growing orders. */
  put(key: string, deadline: number, order: number): void {
    if (this.#waiting.get(key)?.deadline === deadline) return
    this.#waiting.set(key, { deadline, order })
    let low = 0
    let high = this.#due.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const one = this.#due[middle] as { deadline: number; order: number }
      if (one.deadline < deadline || (one.deadline === deadline && one.order < order)) low = middle + 1
      else high = middle
    }
    this.#due.splice(low, 0, { key, deadline, order })
  }

  /** What was taken out stays in the row of deadlines until its time. */
  delete(key: string): void {
    this.#waiting.delete(key)
  }

  /** A time before which nothing is due, milliseconds. */
  get nextDeadline(): number {
    return this.#due[0]?.deadline ?? Number.POSITIVE_INFINITY
  }

  /** Takes out all that is due at `time`, the earliest deadline first. */
  takeDue(time: number): { key: string; deadline: number }[] {
    let count = 0
    while (count < this.#due.length && (this.#due[count]?.deadline ?? 0) <= time) count++
    return this.#due.splice(0, count).filter(({ key, deadline, order }) => {
      const one = this.#waiting.get(key)
      if (one === undefined || one.deadline !== deadline || one.order !== order) return false
      this.#waiting.delete(key)
      return true
    })
  }

  /** The key that has waited longest. */
  oldest(): string | undefined {
    return this.#waiting.keys().next().value
  }

  /** All keys, those that have waited longest first. */
  keys(): string[] {
    return [...this.#waiting.keys()]
  }
}
