import { isUtf8 } from 'node:buffer'

/** For each byte how JSON writes it in a string (RFC 8259 section 7): 0 as it is, 1 as \u00XX, else `\` and this. */
const escapes = new Uint8Array(256)
for (let byte = 0; byte < 0x20; byte++) escapes[byte] = 1
for (const [char, letter] of ['\bb', '\tt', '\nn', '\ff', '\rr', '""', '\\\\'].map((pair) => [...pair])) {
  escapes[(char as string).charCodeAt(0)] = (letter as string).charCodeAt(0)
}

const hexDigits = Buffer.from('0123456789abcdef')
const quote = 0x22
const backslash = 0x5c

/** Bytes escaped between two looks at the room left. */
const pieceSize = 65_536
/** A buffer that grew beyond this is let go at `clear`. */
const keptCapacity = 8 << 20

/**
 * JSON text written as bytes: strings go from a record to the line in one pass, without becoming JavaScript strings.
 * To take back what was begun, set `length` to what it was.
 */
export class LineBuffer {
  /** Bytes written. */
  length = 0
  #bytes: Buffer

  constructor(capacity = 1 << 20) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity)
  }

  /** What was written, until the next write. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.length)
  }

  clear(): void {
    this.length = 0
    if (this.#bytes.length > keptCapacity) this.#bytes = Buffer.allocUnsafeSlow(1 << 20)
  }

  /** Copies bytes as they are. */
  raw(fragment: Uint8Array): void {
    const count = fragment.length
    this.#reserve(count)
    const out = this.#bytes
    const at = this.length
    for (let index = 0; index < count; index++) out[at + index] = fragment[index] as number
    this.length = at + count
  }

  /** Copies again what was written from `start` to `end`. */
  again(start: number, end: number): void {
    this.#reserve(end - start)
    this.#bytes.copyWithin(this.length, start, end)
    this.length += end - start
  }

  /** An integer in decimal. */
  integer(value: number): void {
    this.#reserve(24)
    if (value < 0) {
      this.#bytes[this.length++] = 0x2d
      this.#digits(-value)
    } else {
      this.#digits(value)
    }
  }

  /** Exactly `width` digits of an integer from 0 on. */
  padded(value: number, width: number): void {
    this.#reserve(width)
    const out = this.#bytes
    let rest = value
    for (let at = this.length + width - 1; at >= this.length; at--) {
      const next = (rest / 10) | 0
      out[at] = 0x30 + rest - next * 10
      rest = next
    }
    this.length += width
  }

  /** Eight bytes as 16 hexadecimal digits. */
  hex8(source: Uint8Array, start: number): void {
    this.#reserve(16)
    const out = this.#bytes
    let at = this.length
    for (let index = start; index < start + 8; index++) {
      const byte = source[index] as number
      out[at++] = hexDigits[byte >> 4] as number
      out[at++] = hexDigits[byte & 15] as number
    }
    this.length = at
  }

  /**
   * Bytes with JSON's escapes, without quotes. What is not ASCII is copied as it is.
   * @returns whether all bytes were ASCII; if not, the caller must know that they are UTF-8.
   */
  escaped(source: Uint8Array, start: number, end: number): boolean {
    let seen = 0
    for (let from = start; from < end; from += pieceSize) {
      const to = Math.min(from + pieceSize, end)
      this.#reserve((to - from) * 6)
      const out = this.#bytes
      let at = this.length
      for (let index = from; index < to; index++) {
        const byte = source[index] as number
        seen |= byte
        const code = escapes[byte] as number
        if (code === 0) {
          out[at++] = byte
        } else {
          out[at++] = backslash
          if (code === 1) {
            out[at] = 0x75
            out[at + 1] = 0x30
            out[at + 2] = 0x30
            out[at + 3] = hexDigits[byte >> 4] as number
            out[at + 4] = hexDigits[byte & 15] as number
            at += 5
          } else {
            out[at++] = code
          }
        }
      }
      this.length = at
    }
    return seen < 0x80
  }

  /** A string of a record, escaped, without quotes; invalid UTF-8 as U+FFFD. */
  text(source: Buffer, start: number, end: number): void {
    const before = this.length
    if (this.escaped(source, start, end) || isUtf8(source.subarray(start, end))) return
    this.length = before
    const repaired = Buffer.from(source.toString('utf8', start, end))
    this.escaped(repaired, 0, repaired.length)
  }

  /** Any JSON value. */
  json(value: unknown): void {
    const text = JSON.stringify(value)
    // A UTF-16 unit takes at most three bytes of UTF-8 (RFC 3629 section 3).
    this.#reserve(text.length * 3)
    this.length += this.#bytes.write(text, this.length)
  }

  /** Bytes as base64 (RFC 4648 section 4), without quotes. */
  base64(source: Buffer, start: number, end: number): void {
    const text = source.toString('base64', start, end)
    this.#reserve(text.length)
    this.length += this.#bytes.write(text, this.length, 'latin1')
  }

  quote(): void {
    this.#reserve(1)
    this.#bytes[this.length++] = quote
  }

  #digits(value: number): void {
    if (value > 0x3fffffff) {
      const text = String(value)
      for (let index = 0; index < text.length; index++) this.#bytes[this.length++] = text.charCodeAt(index)
      return
    }
    let width = 1
    for (let bound = 10; value >= bound; bound *= 10) width++
    this.padded(value, width)
  }

  #reserve(count: number): void {
    if (this.length + count <= this.#bytes.length) return
    let capacity = this.#bytes.length * 2
    while (capacity < this.length + count) capacity *= 2
    const larger = Buffer.allocUnsafeSlow(capacity)
    larger.set(this.#bytes.subarray(0, this.length))
    this.#bytes = larger
  }
}
