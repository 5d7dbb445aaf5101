import { SchemaError } from './errors.js'

/**
 * Walks Avro binary (Avro 1.12, "Binary encoding") in place: numbers are read, strings and bytes are passed over and
 * known by where they lie. For the few readers that see every record of a busy topic.
 *
 * Reads behind the end give zeros, so a walk over damaged bytes always ends; `check` then tells.
 */
export class AvroCursor {
  bytes: Uint8Array = new Uint8Array(0)
  /** The next byte to read. */
  at = 0
  /** Where the string or bytes value last passed over begins; it ends at `at`. */
  start = 0

  reset(bytes: Uint8Array, at: number): void {
    this.bytes = bytes
    this.at = at
  }

  /** An int or a long; exact within the safe integers. */
  long(): number {
    const bytes = this.bytes
    let at = this.at
    let byte = bytes[at++] as number
    let low = byte & 0x7f
    if (byte < 0x80) {
      this.at = at
      return (low >>> 1) ^ -(low & 1)
    }
    let shift = 7
    while (byte >= 0x80 && shift < 28) {
      byte = bytes[at++] as number
      low |= (byte & 0x7f) << shift
      shift += 7
    }
    if (!(byte >= 0x80)) {
      this.at = at
      return (low >>> 1) ^ -(low & 1)
    }
    // Beyond 28 bits: the rest as a double, zigzag undone by arithmetic.
    let high = 0
    let scale = 1
    while (byte >= 0x80 && shift < 70) {
      byte = bytes[at++] as number
      high += (byte & 0x7f) * scale
      scale *= 128
      shift += 7
    }
    this.at = at
    const magnitude = (low >>> 1) + high * 0x8000000
    return low & 1 ? -magnitude - 1 : magnitude
  }

  boolean(): boolean {
    return this.bytes[this.at++] === 1
  }

  /**
   * The index of an enum's symbol or a union's branch, of `count`.
   * @throws SchemaError `record_invalid` when there are not so many.
   */
  index(count: number): number {
    const index = this.long()
    if (index >= 0 && index < count) return index
    throw new SchemaError('record_invalid', `no symbol or branch ${index} of ${count} before byte ${this.at}`)
  }

  /** Whether an optional field, a union of null and a type in this order, has a value. */
  present(): boolean {
    return this.index(2) !== 0
  }

  /** Passes over a string or bytes value. */
  skipBytes(): void {
    const length = this.long()
    if (length < 0) throw new SchemaError('record_invalid', `negative length at byte ${this.at}`)
    this.start = this.at
    this.at += length
  }

  /** @throws SchemaError `record_invalid` when the walk went behind the end. */
  check(what: string): void {
    if (this.at > this.bytes.length) throw new SchemaError('record_invalid', `${what} is cut short`)
  }
}
