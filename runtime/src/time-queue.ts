/** Items by time; those of one time stay in the order in which they came. */
export class TimeQueue<T> {
  /** The times there are items of: a binary heap, the least first. */
  readonly #times: number[] = []
  readonly #items = new Map<number, T[]>()

  /** The least time; Infinity when empty. */
  get least(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY
  }

  push(time: number, item: T): void {
    const items = this.#items.get(time)
    if (items !== undefined) items.push(item)
    else {
      this.#items.set(time, [item])
      this.#rise(time)
    }
  }

  /** Takes out the items of the least time. */
  takeLeast(): T[] {
    const time = this.#times[0]
    if (time === undefined) return []
    this.#sink()
    const items = this.#items.get(time) as T[]
    this.#items.delete(time)
    return items
  }

  /** The items of each time, in no order of times. */
  groups(): IterableIterator<T[]> {
    return this.#items.values()
  }

  #rise(time: number): void {
    const times = this.#times
    let at = times.length
    while (at > 0) {
      const above = (at - 1) >> 1
      if ((times[above] as number) <= time) break
      times[at] = times[above] as number
      at = above
    }
    times[at] = time
  }

  /** Removes the first. */
  #sink(): void {
    const times = this.#times
    const time = times.pop() as number
    const { length } = times
    if (length === 0) return
    let at = 0
    for (let below = 1; below < length; below = 2 * at + 1) {
      if (below + 1 < length && (times[below + 1] as number) < (times[below] as number)) below++
      if ((times[below] as number) >= time) break
      times[at] = times[below] as number
      at = below
    }
    times[at] = time
  }
}
