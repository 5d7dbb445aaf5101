/** What is longer is not copied. */
const copiedBytes = 4096

/** Writes the primitive types of the protocol (Kafka protocol guide, "Protocol Primitive Types"). */
export class WireWriter {
  readonly #before: Buffer[] = []
  #buffer = Buffer.allocUnsafe(512)
  #end = 0

  /** What has been written, in pieces. Long data is among them as it was given. */
  pieces(): Buffer[] {
    return [...this.#before, this.#buffer.subarray(0, this.#end)]
  }
  /** What has been written. */
  bytes(): Buffer {
    return this.#before.length === 0 ? this.#buffer.subarray(0, this.#end) : Buffer.concat(this.pieces())
  }
  #room(bytes: number): number {
    const at = this.#end
    if (at + bytes > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(at + bytes, this.#buffer.length * 2))
      this.#buffer.copy(grown, 0, 0, at)
      this.#buffer = grown
    }
    this.#end = at + bytes
    return at
  }
  int8(value: number): this {
    const at = this.#room(1)
    this.#buffer.writeInt8(value, at)
    return this
  }
  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0)
  }
  int16(value: number): this {
    const at = this.#room(2)
    this.#buffer.writeInt16BE(value, at)
    return this
  }
  int32(value: number): this {
    const at = this.#room(4)
    this.#buffer.writeInt32BE(value, at)
    return this
  }
  /** A whole number of at most 53 bits. */
  int64(value: number): this {
    const at = this.#room(8)
    this.#buffer.writeBigInt64BE(BigInt(value), at)
    return this
  }
  string(value: string): this {
    const length = Buffer.byteLength(value)
    this.int16(length)
    const at = this.#room(length)
    this.#buffer.write(value, at)
    return this
  }
  nullableString(value: string | null): this {
    return value === null ? this.int16(-1) : this.string(value)
  }
  data(value: Buffer): this {
    this.int32(value.length)
    if (value.length > copiedBytes) {
      this.#before.push(this.#buffer.subarray(0, this.#end), value)
      this.#buffer = Buffer.allocUnsafe(512)
      this.#end = 0
      return this
    }
    const at = this.#room(value.length)
    this.#buffer.set(value, at)
    return this
  }
  array<T>(items: readonly T[] | null, write: (item: T) => void): this {
    this.int32(items === null ? -1 : items.length)
    for (const item of items ?? []) write(item)
    return this
  }
  #unsigned(value: number): void {
    let left = value
    while (left >= 0x80) {
      this.int8((left % 128) - 128)
      left = Math.floor(left / 128)
    }
    this.int8(left)
  }
  compactString(value: string | null): this {
    if (value === null) {
      this.#unsigned(0)
      return this
    }
    const length = Buffer.byteLength(value)
    this.#unsigned(length + 1)
    const at = this.#room(length)
    this.#buffer.write(value, at)
    return this
  }
  compactArray<T>(items: readonly T[] | null, write: (item: T) => void): this {
    this.#unsigned(items === null ? 0 : items.length + 1)
    for (const item of items ?? []) write(item)
    return this
  }
  /** No tagged fields. */
  noTags(): this {
    this.#unsigned(0)
    return this
  }
}

/** Reads what WireWriter writes. Views into the buffer are handed out: copy what must outlive it. */
export class WireReader {
  readonly buffer: Buffer
  #at = 0
  constructor(buffer: Buffer) {
    this.buffer = buffer
  }
  #skip(bytes: number): number {
    const at = this.#at
    this.#at += bytes
    return at
  }
  int8(): number {
    return this.buffer.readInt8(this.#skip(1))
  }
  boolean(): boolean {
    return this.int8() !== 0
  }
  int16(): number {
    return this.buffer.readInt16BE(this.#skip(2))
  }
  int32(): number {
    return this.buffer.readInt32BE(this.#skip(4))
  }
  int64(): number {
    return Number(this.buffer.readBigInt64BE(this.#skip(8)))
  }
  string(): string {
    return this.nullableString() ?? ''
  }
  nullableString(): string | null {
    const length = this.int16()
    return length < 0 ? null : this.#text(length)
  }
  #text(length: number): string {
    const at = this.#skip(length)
    return this.buffer.toString('utf8', at, at + length)
  }
  data(): Buffer {
    const length = Math.max(0, this.int32())
    const at = this.#skip(length)
    return this.buffer.subarray(at, at + length)
  }
  array<T>(read: () => T): T[] {
    const items: T[] = []
    for (let left = this.int32(); left > 0; left--) items.push(read())
    return items
  }
  #unsigned(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.buffer.readUInt8(this.#skip(1))
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }
  compactString(): string | null {
    const length = this.#unsigned()
    return length === 0 ? null : this.#text(length - 1)
  }
  compactArray<T>(read: () => T): T[] {
    const items: T[] = []
    for (let left = this.#unsigned() - 1; left > 0; left--) items.push(read())
    return items
  }
  skipTags(): void {
    for (let left = this.#unsigned(); left > 0; left--) {
      this.#unsigned()
      this.#skip(this.#unsigned())
    }
  }
}

/** A request of the protocol and how its answer is read. */
export interface WireRequest<T> {
  readonly name: string
  readonly apiKey: number
  /** The version asked for; a broker that knows only lower ones gets its highest. */
  readonly apiVersion: number
  /** The lowest that `write` and `read` know; default: no other. */
  readonly oldest?: number
  /** Longest wait for the answer beyond what a request usually takes, ms. */
  readonly waitMs?: number
  write(writer: WireWriter, version: number): void
  read(reader: WireReader, version: number): T
}
