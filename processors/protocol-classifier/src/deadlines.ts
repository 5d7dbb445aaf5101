/** Keys by the second at which to look at them again. A cache: it can be filled anew from the state at any time. */
export class Deadlines {
  readonly #seconds = new Map<number, Set<string>>()
  readonly #secondOf = new Map<string, number>()
  #from = Number.POSITIVE_INFINITY

  /** Notes that `key` is to be looked at when `time` (milliseconds) has come; an earlier time noted before stays. */
  add(key: string, time: number): void {
    const second = Math.floor(time / 1000)
    const noted = this.#secondOf.get(key)
    if (noted !== undefined) {
      if (noted <= second) return
      this.delete(key)
    }
    this.#secondOf.set(key, second)
    const keys = this.#seconds.get(second)
    if (keys === undefined) this.#seconds.set(second, new Set([key]))
    else keys.add(key)
    if (second < this.#from) this.#from = second
  }

  delete(key: string): void {
    const second = this.#secondOf.get(key)
    if (second === undefined) return
    this.#secondOf.delete(key)
    const keys = this.#seconds.get(second)
    keys?.delete(key)
    if (keys?.size === 0) this.#seconds.delete(second)
  }

  /** Takes out the keys whose second has begun by `time`, in no order: whether they are due is for the caller to say. */
  take(time: number): string[] {
    const last = Math.floor(time / 1000)
    if (last < this.#from) return []
    // After a long pause there are fewer seconds noted than seconds passed.
    const long = last - this.#from > this.#seconds.size
    const seconds = long ? [...this.#seconds.keys()].filter((second) => second <= last) : range(this.#from, last)
    const due = seconds.flatMap((second) => [...(this.#seconds.get(second) ?? [])])
    for (const key of due) this.delete(key)
    this.#from = last
    return due
  }
}

function range(from: number, last: number): number[] {
  return Array.from({ length: last - from + 1 }, (_, i) => from + i)
}
