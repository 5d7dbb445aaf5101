/** Longer texts are not kept. */
const keptLength = 64
/** A power of two. */
const slots = 4096

/**
 * Strings of records by their bytes: the same few names, methods, paths and keys come in every record, and looking one
 * up is cheaper than making it anew. Holds a fixed number, each until another falls on its place.
 */
export class TextCache {
  readonly #texts: string[] = new Array(slots).fill('')
  readonly #bytes = Buffer.alloc(slots * keptLength)
  readonly #lengths = new Uint8Array(slots)

  /** UTF-8 from `start` to `end` as a string. */
  text(source: Buffer, start: number, end: number): string {
    const length = end - start
    if (length > keptLength || length <= 0) return source.toString('utf8', start, end)
    // FNV-1a.
    let hash = 0x811c9dc5
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ (source[at] as number), 0x01000193)
    const slot = (hash ^ (hash >>> 15)) & (slots - 1)
    const base = slot * keptLength
    const bytes = this.#bytes
    if (this.#lengths[slot] === length) {
      let same = 0
      while (same < length && bytes[base + same] === source[start + same]) same++
      if (same === length) return this.#texts[slot] as string
    }
    const text = source.toString('utf8', start, end)
    for (let at = 0; at < length; at++) bytes[base + at] = source[start + at] as number
    this.#lengths[slot] = length
    this.#texts[slot] = text
    return text
  }
}
