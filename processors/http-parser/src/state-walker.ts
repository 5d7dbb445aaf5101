/**
 * Walks a state value field by field. The writer notes down what it is given and returns it; the reader returns what
 * was noted. So one list of the fields serves both ways.
 */
export interface Walker {
  number<T extends number>(value: T): T
  boolean(value: boolean): boolean
  text<T extends string>(value: T): T
  nullableText<T extends string>(value: T | null): T | null
  bytes(value: Buffer): Buffer
  /** The first `size` bytes of a buffer with room behind them. */
  kept(value: Buffer | null, size: number): Buffer | null
  /** Fields of a value of which the reader knows only the shape: `blank`. */
  nullable<T>(value: T | null, blank: T, walk: (value: T) => T): T | null
  list<T>(values: T[], blank: T, walk: (value: T) => T): T[]
}

export class StateWriter implements Walker {
  #buffer: Buffer = Buffer.allocUnsafe(1024)
  #end = 0

  /** What was noted. */
  take(): Buffer {
    return this.#buffer.subarray(0, this.#end)
  }
  number<T extends number>(value: T): T {
    this.#reserve(8)
    this.#end = this.#buffer.writeDoubleLE(value, this.#end)
    return value
  }
  boolean(value: boolean): boolean {
    this.#reserve(1)
    this.#buffer[this.#end++] = value ? 1 : 0
    return value
  }
  text<T extends string>(value: T): T {
    this.bytes(Buffer.from(value))
    return value
  }
  nullableText<T extends string>(value: T | null): T | null {
    return this.nullable(value, '' as T, (text) => this.text(text))
  }
  bytes(value: Buffer): Buffer {
    this.#reserve(4 + value.length)
    this.#end = this.#buffer.writeUInt32LE(value.length, this.#end)
    this.#end += value.copy(this.#buffer, this.#end)
    return value
  }
  kept(value: Buffer | null, size: number): Buffer | null {
    this.boolean(value !== null)
    if (value !== null) this.bytes(value.subarray(0, size))
    return value
  }
  nullable<T>(value: T | null, _blank: T, walk: (value: T) => T): T | null {
    this.boolean(value !== null)
    return value === null ? null : walk(value)
  }
  list<T>(values: T[], _blank: T, walk: (value: T) => T): T[] {
    this.number(values.length)
    for (const value of values) walk(value)
    return values
  }

  #reserve(bytes: number): void {
    const needed = this.#end + bytes
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(grown, 0, 0, this.#end)
    this.#buffer = grown
  }
}

/** @throws RangeError when the bytes end before the fields do. */
export class StateReader implements Walker {
  readonly #buffer: Buffer
  #at = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }
  number<T extends number>(_value: T): T {
    this.#at += 8
    return this.#buffer.readDoubleLE(this.#at - 8) as T
  }
  boolean(_value: boolean): boolean {
    return this.#buffer.readUInt8(this.#at++) === 1
  }
  text<T extends string>(_value: T): T {
    return this.bytes().toString() as T
  }
  nullableText<T extends string>(_value: T | null): T | null {
    return this.boolean(false) ? this.text('' as T) : null
  }
  bytes(): Buffer {
    const start = this.#at + 4
    const end = start + this.#buffer.readUInt32LE(this.#at)
    if (end > this.#buffer.length) throw new RangeError('state value is cut short')
    this.#at = end
    return Buffer.from(this.#buffer.subarray(start, end))
  }
  kept(): Buffer | null {
    return this.boolean(false) ? this.bytes() : null
  }
  nullable<T>(_value: T | null, blank: T, walk: (value: T) => T): T | null {
    return this.boolean(false) ? walk(blank) : null
  }
  list<T>(_values: T[], blank: T, walk: (value: T) => T): T[] {
    const length = this.number(0)
    return Array.from({ length }, () => walk(blank))
  }
}
