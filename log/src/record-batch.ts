import { LogError } from './errors.js'
import { RecordCursor } from './record-cursor.js'

/**
 * A batch of records of one partition, packed: what an engine stores and hands out as one value. The collector's
 * native thread writes the same layout (collector/native), so captured records reach the log untouched.
 *
 * Little-endian. Header, 40 bytes:
 *
 *      0  u8   magic, 1
 *      1  u8   0, u16 0
 *      4  u32  schema id (Log.registerSchema); 0 = none
 *      8  u32  count of records
 *     12  u32  offsets missing between its records (0, but in a compacted batch)
 *     16  f64  offset of the first record; set by the log on append
 *     24  f64  lowest timestamp, milliseconds since the Unix epoch
 *     32  f64  highest timestamp
 *
 * Each record, 16 bytes and then key and value:
 *
 *      0  u32  value length; 0xffffffff = null (a tombstone, in a compacted topic)
 *      4  u16  key length; 0xffff = null
 *      6  u16  offset delta beyond the previous record's offset + 1 (0, but in a compacted batch)
 *      8  f64  timestamp, whole milliseconds since the Unix epoch
 */
export const batchHeaderBytes = 40
export const recordHeaderBytes = 16
export const batchMagic = 1
const nullValue = 0xffffffff
const nullKey = 0xffff
const maxKeyBytes = nullKey - 1
/** Memory that a builder keeps from batch to batch, bytes. */
const keptCapacity = 2 * 1024 * 1024

/** One record as read. `key` and `value` are views into the batch: copy what must outlive it. */
export interface LogRecord {
  /** Position in its partition, from 0. */
  offset: number
  /** Milliseconds since the Unix epoch. */
  timestamp: number
  key: Buffer | null
  /** Null is a tombstone. */
  value: Buffer | null
}

/** A record to append. */
export interface NewRecord {
  /** Milliseconds since the Unix epoch. */
  timestamp: number
  /** At most 65,534 bytes; appending a longer one throws LogError `record_too_large`. */
  key: Uint8Array | null
  value: Uint8Array | null
}

/** A packed batch, as appended or read. Reading costs no copy. */
export class RecordBatch implements Iterable<LogRecord> {
  readonly buffer: Buffer
  constructor(buffer: Buffer) {
    this.buffer = buffer
  }
  get schemaId(): number {
    return this.buffer.readUInt32LE(4)
  }
  set schemaId(id: number) {
    this.buffer.writeUInt32LE(id, 4)
  }
  get count(): number {
    return this.buffer.readUInt32LE(8)
  }
  get baseOffset(): number {
    return this.buffer.readDoubleLE(16)
  }
  set baseOffset(offset: number) {
    this.buffer.writeDoubleLE(offset, 16)
  }
  /** Offsets between the first record's and the last's that have no record: only after compaction. */
  get gaps(): number {
    return this.buffer.readUInt32LE(12)
  }
  /** Offset after the last record's. */
  get nextOffset(): number {
    return this.baseOffset + this.count + this.gaps
  }
  get minTimestamp(): number {
    return this.buffer.readDoubleLE(24)
  }
  get maxTimestamp(): number {
    return this.buffer.readDoubleLE(32)
  }
  /** Bytes of the whole batch. */
  get byteLength(): number {
    return this.buffer.length
  }

  /** Convenient, with three objects for each record; where speed counts use a RecordCursor. */
  *[Symbol.iterator](): Iterator<LogRecord> {
    const cursor = new RecordCursor().reset(this)
    while (cursor.next()) {
      yield { offset: cursor.offset, timestamp: cursor.timestamp, key: cursor.key(), value: cursor.value() }
    }
  }
}

/** Packs records into one batch. Re-usable after `take`. */
export class BatchBuilder {
  #buffer: Buffer
  #end = batchHeaderBytes
  #count = 0
  #min = Number.POSITIVE_INFINITY
  #max = Number.NEGATIVE_INFINITY
  readonly #schemaId: number
  /** Bytes to begin with. */
  readonly #capacity: number

  /** `capacity`: bytes to begin a batch with; it grows as needed. */
  constructor(schemaId = 0, capacity = 64 * 1024) {
    this.#schemaId = schemaId
    this.#capacity = Math.max(capacity, batchHeaderBytes)
    this.#buffer = Buffer.allocUnsafeSlow(this.#capacity)
  }
  get count(): number {
    return this.#count
  }
  get byteLength(): number {
    return this.#end
  }

  append(record: NewRecord): void {
    const value = record.value
    this.appendWith(record.timestamp, record.key, value?.length ?? 0, (buffer, position) => {
      if (value !== null) buffer.set(value, position)
      return position + (value?.length ?? 0)
    })
    if (value === null) this.#buffer.writeUInt32LE(nullValue, this.#lastHeader)
  }
  #lastHeader = 0

  /**
   * Appends a record whose value `write` encodes straight into the batch: it gets the buffer and a position and
   * returns the new position, or, when there is no room, minus the bytes lacking (it is then called again).
   * @throws LogError `record_too_large` for a key over 65,534 bytes.
   */
  appendWith(
    timestamp: number,
    key: Uint8Array | null,
    sizeHint: number,
    write: (buffer: Buffer, position: number) => number,
  ): void {
    const keyLength = key?.length ?? 0
    if (keyLength > maxKeyBytes) {
      throw new LogError('record_too_large', `a key of ${keyLength} bytes is over the limit of ${maxKeyBytes}`)
    }
    const header = this.#end
    const valueStart = header + recordHeaderBytes + keyLength
    this.#reserve(valueStart + sizeHint)
    let end = write(this.#buffer, valueStart)
    while (end < 0) {
      this.#reserve(this.#buffer.length - end)
      end = write(this.#buffer, valueStart)
    }
    const buffer = this.#buffer
    buffer.writeUInt32LE(end - valueStart, header)
    buffer.writeUInt16LE(key === null ? nullKey : keyLength, header + 4)
    buffer.writeUInt16LE(0, header + 6)
    buffer.writeDoubleLE(timestamp, header + 8)
    if (key !== null) buffer.set(key, header + recordHeaderBytes)
    this.#lastHeader = header
    this.#end = end
    this.#count++
    if (timestamp < this.#min) this.#min = timestamp
    if (timestamp > this.#max) this.#max = timestamp
  }

  /** Remembers the point reached, for `rollback`. `take` forgets it. */
  mark(): void {
    this.#markEnd = this.#end
    this.#markCount = this.#count
    this.#markMin = this.#min
    this.#markMax = this.#max
  }
  #markEnd = batchHeaderBytes
  #markCount = 0
  #markMin = Number.POSITIVE_INFINITY
  #markMax = Number.NEGATIVE_INFINITY

  /** Takes back what was appended since the last `mark`, or since the last `take` when there was none. */
  rollback(): void {
    this.#end = this.#markEnd
    this.#count = this.#markCount
    this.#min = this.#markMin
    this.#max = this.#markMax
  }

  /** The finished batch, and an empty builder. */
  take(): RecordBatch {
    // A copy of the right size: new memory for every batch costs more, and what is unused of it lives as long.
    const buffer = Buffer.allocUnsafeSlow(this.#end)
    this.#buffer.copy(buffer, 0, 0, this.#end)
    buffer.writeUInt32LE(batchMagic, 0)
    buffer.writeUInt32LE(this.#schemaId, 4)
    buffer.writeUInt32LE(this.#count, 8)
    buffer.writeUInt32LE(0, 12)
    buffer.writeDoubleLE(0, 16)
    buffer.writeDoubleLE(this.#min, 24)
    buffer.writeDoubleLE(this.#max, 32)
    if (this.#buffer.length > keptCapacity) this.#buffer = Buffer.allocUnsafeSlow(this.#capacity)
    this.#end = batchHeaderBytes
    this.#count = 0
    this.#min = Number.POSITIVE_INFINITY
    this.#max = Number.NEGATIVE_INFINITY
    this.mark()
    return new RecordBatch(buffer)
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(bytes, this.#buffer.length * 2))
    this.#buffer.copy(grown, 0, 0, this.#end)
    this.#buffer = grown
  }
}
