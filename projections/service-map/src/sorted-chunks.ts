/** What lies in a chunk knows it, so that a change finds the text it makes stale without a search. */
export interface Placed {
  chunk: Chunk<never> | undefined
}

/** Neighbours in the order, and their text as long as none of them changes. */
export interface Chunk<T> {
  items: T[]
  text: Buffer | null
}

/** Full at this many items; it then splits. So many items are written anew when one of them changes. */
const maxItems = 128

/**
 * A sorted collection whose text is kept in pieces: writing it out again costs only the pieces that changed.
 */
export class SortedChunks<T extends Placed> {
  #chunks: Chunk<T>[] = []
  readonly #compare: (one: T, other: T) => number
  readonly #write: (item: T) => string

  /** @param write the text of one item. */
  constructor(compare: (one: T, other: T) => number, write: (item: T) => string) {
    this.#compare = compare
    this.#write = write
  }

  /** Builds it at once from many items. */
  fill(items: T[]): void {
    const sorted = items.toSorted(this.#compare)
    this.#chunks = []
    for (let start = 0; start < sorted.length; start += maxItems / 2) {
      this.#place({ items: sorted.slice(start, start + maxItems / 2), text: null })
    }
  }

  insert(item: T): void {
    const chunk = this.#chunks[this.#chunkFor(item)]
    if (chunk === undefined) {
      this.#place({ items: [item], text: null })
      return
    }
    let low = 0
    let high = chunk.items.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#compare(chunk.items[middle] as T, item) < 0) low = middle + 1
      else high = middle
    }
    chunk.items.splice(low, 0, item)
    chunk.text = null
    item.chunk = chunk as Chunk<never>
    if (chunk.items.length > maxItems) this.#split(chunk)
  }

  /** The item's text is stale. */
  static changed(item: Placed): void {
    if (item.chunk !== undefined) item.chunk.text = null
  }

  /** Texts of the items in order, several together, `separator` between those of one piece. */
  *texts(separator: string): Generator<Buffer> {
    for (const chunk of this.#chunks) {
      chunk.text ??= Buffer.from(chunk.items.map(this.#write).join(separator))
      yield chunk.text
    }
  }

  /** The last chunk whose first item is not behind the item; the first one when all are. */
  #chunkFor(item: T): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#compare((this.#chunks[middle] as Chunk<T>).items[0] as T, item) <= 0) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }

  #split(chunk: Chunk<T>): void {
    const upper: Chunk<T> = { items: chunk.items.splice(chunk.items.length >> 1), text: null }
    this.#place(upper, this.#chunks.indexOf(chunk) + 1)
  }

  #place(chunk: Chunk<T>, position = this.#chunks.length): void {
    for (const item of chunk.items) item.chunk = chunk as Chunk<never>
    this.#chunks.splice(position, 0, chunk)
  }
}
