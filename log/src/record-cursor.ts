import { batchHeaderBytes, type RecordBatch, recordHeaderBytes } from './record-batch.js'

const nullValue = 0xffffffff
const nullKey = 0xffff

/**
 * Walks the records of batches without an object for each: tens of millions a second where the iterator of RecordBatch
 * does about one. One cursor serves any number of batches, one after the other; what it says holds until `next`.
 *
 *     const cursor = new RecordCursor()
 *     cursor.reset(batch)
 *     while (cursor.next()) read(batch.buffer, cursor.valueStart, cursor.valueEnd)
 */
export class RecordCursor {
  /** Position of the record in its partition. */
  offset = 0
  /** Milliseconds since the Unix epoch. */
  timestamp = 0
  /** The key is the batch's bytes from `keyStart` to below `keyEnd`; both are the same when it is empty or null. */
  keyStart = 0
  keyEnd = 0
  /** The value is the batch's bytes from `valueStart` to below `valueEnd`; both are the same when it is empty or null. */
  valueStart = 0
  valueEnd = 0
  hasKey = false
  /** False: a tombstone. */
  hasValue = false
  #view: DataView = emptyView
  #buffer: Buffer = emptyBuffer
  #left = 0

  /** Begins before the first record of a batch. */
  reset(batch: RecordBatch): this {
    const { buffer } = batch
    this.#buffer = buffer
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
    this.#left = batch.count
    this.offset = batch.baseOffset - 1
    this.valueEnd = batchHeaderBytes
    return this
  }

  /** Goes to the next record; false when there is none. */
  next(): boolean {
    if (this.#left === 0) return false
    this.#left--
    const view = this.#view
    const position = this.valueEnd
    const valueLength = view.getUint32(position, true)
    const keyLength = view.getUint16(position + 4, true)
    this.offset += 1 + view.getUint16(position + 6, true)
    this.timestamp = view.getFloat64(position + 8, true)
    this.hasKey = keyLength !== nullKey
    this.hasValue = valueLength !== nullValue
    this.keyStart = position + recordHeaderBytes
    this.keyEnd = this.keyStart + (this.hasKey ? keyLength : 0)
    this.valueStart = this.keyEnd
    this.valueEnd = this.valueStart + (this.hasValue ? valueLength : 0)
    return true
  }

  /** A view of the key. */
  key(): Buffer | null {
    return this.hasKey ? this.#buffer.subarray(this.keyStart, this.keyEnd) : null
  }

  /** A view of the value. */
  value(): Buffer | null {
    return this.hasValue ? this.#buffer.subarray(this.valueStart, this.valueEnd) : null
  }
}

const emptyBuffer = Buffer.alloc(0)
const emptyView = new DataView(new ArrayBuffer(0))
