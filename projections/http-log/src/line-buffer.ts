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
/** A buffer that grew beyond this is let go at `clear`; the lines of one commit fit, as growing anew costs more. */
const keptCapacity = 32 << 20

/** Fixed text of a line: ASCII, in words, because copying it word by word is several times faster than by bytes. */
export interface Fragment {
  readonly words: Int32Array
  readonly length: number
}

/** @param text ASCII. */
export function fragment(text: string): Fragment {
  return fragmentOf(Buffer.from(text, 'latin1'))
}

/** Any bytes as a fragment. */
export function fragmentOf(bytes: Buffer): Fragment {
  const { length } = bytes
  const whole = Buffer.alloc(Math.ceil(length / 4) * 4)
  whole.set(bytes)
  const words = new Int32Array(whole.length / 4)
  for (let index = 0; index < words.length; index++) words[index] = whole.readInt32LE(index * 4)
  return { words, length }
}

/**
 * JSON text written as bytes: strings go from a record to the line in one pass, without becoming JavaScript strings.
 * To take back what was begun, set `length` to what it was.
 */
export class LineBuffer {
  /** Bytes written. */
  length = 0
  /** The record being written: positions are in it. */
  #source: Buffer = Buffer.alloc(0)
  /** Over its whole memory: records of one batch lie in one, whose view is made once. */
  #sourceView = new DataView(this.#source.buffer)
  #bytes!: Buffer
  /** Over the same memory. */
  #view!: DataView

  constructor(capacity = 1 << 20) {
    this.#use(Buffer.allocUnsafeSlow(capacity))
  }

  /** What was written, until the next write. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.length)
  }

  /** The record that strings are taken from. */
  from(source: Buffer): void {
    const memory = source.buffer
    if (memory !== this.#sourceView.buffer) this.#sourceView = new DataView(memory)
    this.#source = source
  }

  clear(): void {
    this.length = 0
    if (this.#bytes.length > keptCapacity) this.#use(Buffer.allocUnsafeSlow(1 << 20))
  }

  /** Copies bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  /** Copies fixed text. */
  fixed({ words, length }: Fragment): void {
    this.#reserve(length)
    const view = this.#view
    let at = this.length
    for (let index = 0; index < words.length; index++) {
      view.setInt32(at, words[index] as number, true)
      at += 4
    }
    this.length += length
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
  hex8(start: number): void {
    const source = this.#source
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
  escaped(start: number, end: number): boolean {
    const source = this.#source
    const view = this.#sourceView
    const last = source.byteOffset + end
    let seen = 0
    let index = source.byteOffset + start
    while (index < last) {
      const piece = Math.min(index + pieceSize, last)
      this.#reserve((piece - index) * 6)
      const out = this.#view
      let at = this.length
      // Four bytes at a time (the classic test of a word for a byte below n, or equal to it), as long as there are four.
      while (index + 4 <= piece) {
        const word = view.getInt32(index, true)
        const quotes = word ^ 0x22222222
        const backslashes = word ^ 0x5c5c5c5c
        const found =
          (((word - 0x20202020) & ~word) |
            ((quotes - 0x01010101) & ~quotes) |
            ((backslashes - 0x01010101) & ~backslashes)) &
          0x80808080
        out.setInt32(at, word, true)
        seen |= word
        if (found === 0) {
          index += 4
          at += 4
        } else {
          // The lowest bit set is that of the first byte to escape; what was stored from there on is written over.
          const before = (31 - Math.clz32(found & -found)) >> 3
          index += before
          at = writeEscape(out, at + before, view.getUint8(index++))
        }
      }
      // The last one to three bytes as a word too, with spaces behind them, where the memory goes on.
      if (index < piece && index + 4 <= view.byteLength) {
        const behind = -1 << ((piece - index) << 3)
        const word = (view.getInt32(index, true) & ~behind) | (0x20202020 & behind)
        const quotes = word ^ 0x22222222
        const backslashes = word ^ 0x5c5c5c5c
        const found =
          (((word - 0x20202020) & ~word) |
            ((quotes - 0x01010101) & ~quotes) |
            ((backslashes - 0x01010101) & ~backslashes)) &
          0x80808080
        if (found === 0) {
          out.setInt32(at, word, true)
          seen |= word
          at += piece - index
          index = piece
        }
      }
      for (; index < piece; index++) {
        const byte = view.getUint8(index)
        seen |= byte
        if (escapes[byte] === 0) out.setUint8(at++, byte)
        else at = writeEscape(out, at, byte)
      }
      this.length = at
    }
    return (seen & 0x80808080) === 0
  }

  /** A string of the record, escaped, without quotes; invalid UTF-8 as U+FFFD. */
  text(start: number, end: number): void {
    const before = this.length
    if (this.escaped(start, end) || this.isUtf8(start, end)) return
    this.length = before
    const source = this.#source
    const repaired = Buffer.from(source.toString('utf8', start, end))
    this.from(repaired)
    this.escaped(0, repaired.length)
    this.from(source)
  }

  isUtf8(start: number, end: number): boolean {
    return isUtf8(this.#source.subarray(start, end))
  }

  /** Whether the record's bytes from `start` to `end` are those of the fragment. */
  holds({ words, length }: Fragment, start: number, end: number): boolean {
    if (end - start !== length) return false
    const view = this.#sourceView
    const base = this.#source.byteOffset + start
    const whole = length >> 2
    for (let index = 0; index < whole; index++) {
      if (view.getInt32(base + index * 4, true) !== words[index]) return false
    }
    for (let index = whole * 4; index < length; index++) {
      if (view.getUint8(base + index) !== (((words[whole] as number) >>> ((index & 3) << 3)) & 0xff)) return false
    }
    return true
  }

  /** Any JSON value. */
  json(value: unknown): void {
    const text = JSON.stringify(value)
    // A UTF-16 unit takes at most three bytes of UTF-8 (RFC 3629 section 3).
    this.#reserve(text.length * 3)
    this.length += this.#bytes.write(text, this.length)
  }

  /** Bytes as base64 (RFC 4648 section 4), without quotes. */
  base64(start: number, end: number): void {
    const text = this.#source.toString('base64', start, end)
    this.#reserve(text.length)
    this.length += this.#bytes.write(text, this.length, 'latin1')
  }

  quote(): void {
    this.#reserve(1)
    this.#bytes[this.length++] = quote
  }

  #digits(value: number): void {
    if (value > 0x3fffffff) {
      // Halves of nine digits each fit what `padded` computes with; a whole number has at most sixteen.
      const high = Math.floor(value / 1_000_000_000)
      this.#digits(high)
      this.padded(value - high * 1_000_000_000, 9)
      return
    }
    let width = 1
    for (let bound = 10; value >= bound; bound *= 10) width++
    this.padded(value, width)
  }

  /** Room for so many bytes, and for the rest of a word behind them. */
  #reserve(count: number): void {
    const needed = this.length + count + 8
    if (needed > this.#bytes.length) this.#grow(needed)
  }

  #grow(needed: number): void {
    let capacity = this.#bytes.length * 2
    while (capacity < needed) capacity *= 2
    const larger = Buffer.allocUnsafeSlow(capacity)
    larger.set(this.#bytes.subarray(0, this.length))
    this.#use(larger)
  }

  #use(bytes: Buffer): void {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }
}

/** @returns the position behind it. */
function writeEscape(out: DataView, at: number, byte: number): number {
  const code = escapes[byte] as number
  if (code !== 1) {
    out.setUint16(at, backslash | (code << 8), true)
    return at + 2
  }
  // \u00
  out.setInt32(at, 0x3030755c, true)
  out.setUint8(at + 4, hexDigits[byte >> 4] as number)
  out.setUint8(at + 5, hexDigits[byte & 15] as number)
  return at + 6
}
