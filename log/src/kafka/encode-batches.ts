import { gzipSync } from 'node:zlib'
import { LogError } from '../errors.js'
import type { RecordBatch } from '../record-batch.js'
import { RecordCursor } from '../record-cursor.js'
import { copyBytes } from './copy-bytes.js'
import { crc32c } from './crc32c.js'

/**
 * A record batch of magic 2 (Kafka documentation, "Record Batch"), big-endian:
 *
 *      0  i64  base offset; set by the broker      27  i64  timestamp of the first record
 *      8  i32  bytes after this field              35  i64  highest timestamp
 *     12  i32  leader epoch; the broker's          43  i64  producer id
 *     16  i8   magic, 2                            51  i16  producer epoch
 *     17  u32  CRC-32C of all that follows         53  i32  sequence number of the first record
 *     21  i16  attributes                          57  i32  count of records
 *     23  i32  offset of the last record, from the first's
 */
export const kafkaHeaderBytes = 61
/** Of `attributes`. */
export const attributeBits = { compression: 0x07, logAppendTime: 0x08, transactional: 0x10, control: 0x20 } as const
const gzip = 1

export interface EncodedBatch {
  /** The whole batch; `stamp` completes it. */
  bytes: Buffer
  count: number
}

export interface EncodedBatches {
  batches: EncodedBatch[]
  /** Where each input's first record has gone: which of `batches`, and which record of it. */
  starts: { batch: number; index: number }[]
}

export interface EncodeOptions {
  /** A batch above is refused by the broker (`max.message.bytes`), so what is more goes into another. */
  maxBytes: number
  /** Nor is a batch of several records larger than this: readers take batches whole. */
  targetBytes?: number
  /** What stands before the values of a schema id. */
  frame: (schemaId: number) => Uint8Array
  gzip?: boolean
}

/**
 * Packs batches of one partition, one after the other, into as few Kafka batches as fit.
 * @throws LogError `record_too_large`
 */
export function encodeBatches(topic: string, inputs: readonly RecordBatch[], options: EncodeOptions): EncodedBatches {
  const target = Math.min(options.maxBytes, options.targetBytes ?? options.maxBytes)
  const bytes = inputs.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const encoder = new Encoder(options.gzip === true, Math.min(bytes + firstBytes, target + firstBytes))
  const starts: EncodedBatches['starts'] = []
  const cursor = new RecordCursor()
  for (const input of inputs) {
    const { buffer } = input
    const frame = options.frame(input.schemaId)
    cursor.reset(input)
    let first = true
    while (cursor.next()) {
      const keyBytes = cursor.hasKey ? cursor.keyEnd - cursor.keyStart : -1
      const valueBytes = cursor.hasValue ? cursor.valueEnd - cursor.valueStart + frame.length : -1
      if (!encoder.fits(cursor.timestamp, keyBytes, valueBytes, target)) {
        encoder.finish()
        if (!encoder.fits(cursor.timestamp, keyBytes, valueBytes, options.maxBytes)) {
          throw new LogError(
            'record_too_large',
            `a record of ${Math.max(0, valueBytes)} bytes for topic ${topic} is over the broker's limit of ${options.maxBytes} (max.message.bytes)`,
          )
        }
      }
      if (first) starts.push(encoder.place())
      first = false
      encoder.record(cursor, buffer, keyBytes, valueBytes, frame)
    }
  }
  encoder.finish()
  return { batches: encoder.batches, starts }
}

/** Writes in what identifies a batch to the broker, and its checksum. May be done again with others. */
export function stamp(
  { bytes }: EncodedBatch,
  producerId: number,
  epoch: number,
  sequence: number,
  transactional: boolean,
): void {
  const attributes = bytes.readInt16BE(21) & ~attributeBits.transactional
  bytes.writeInt16BE(transactional ? attributes | attributeBits.transactional : attributes, 21)
  bytes.writeBigInt64BE(BigInt(producerId), 43)
  bytes.writeInt16BE(epoch, 51)
  bytes.writeInt32BE(sequence, 53)
  bytes.writeUInt32BE(crc32c(bytes, 21), 17)
}

/** Attributes of a record, and the count of its headers: both 0. */
const fixedBytes = 2
/** Headers, and what frames and small numbers may take beyond the packed records. */
const firstBytes = 4096
const noBytes = Buffer.alloc(0)
/** Twice of it is still a whole number to JavaScript. */
const mostDelta = 2 ** 51

class Encoder {
  readonly batches: EncodedBatch[] = []
  readonly #gzip: boolean
  /** Bytes to begin a batch with. */
  readonly #capacity: number
  #buffer: Buffer
  #end = kafkaHeaderBytes
  #count = 0
  #firstTimestamp = 0
  #highest = 0

  constructor(gzip: boolean, capacity: number) {
    this.#gzip = gzip
    this.#capacity = capacity
    this.#buffer = Buffer.allocUnsafeSlow(capacity)
  }

  place(): { batch: number; index: number } {
    return { batch: this.batches.length, index: this.#count }
  }

  fits(timestamp: number, keyBytes: number, valueBytes: number, maxBytes: number): boolean {
    if (this.#count > 0 && Math.abs(timestamp - this.#firstTimestamp) > mostDelta) return false
    const body = this.#bodyBytes(timestamp, keyBytes, valueBytes)
    return this.#end + sizeOf(body * 2) + body <= maxBytes
  }

  #bodyBytes(timestamp: number, keyBytes: number, valueBytes: number): number {
    const delta = this.#count === 0 ? 0 : timestamp - this.#firstTimestamp
    return (
      fixedBytes +
      sizeOf(zigzag(delta)) +
      sizeOf(this.#count * 2) +
      sizeOf(zigzag(keyBytes)) +
      Math.max(0, keyBytes) +
      sizeOf(zigzag(valueBytes)) +
      Math.max(0, valueBytes)
    )
  }

  record(cursor: RecordCursor, source: Buffer, keyBytes: number, valueBytes: number, frame: Uint8Array): void {
    const { timestamp } = cursor
    if (this.#count === 0) {
      this.#firstTimestamp = timestamp
      this.#highest = timestamp
    } else if (timestamp > this.#highest) this.#highest = timestamp
    const body = this.#bodyBytes(timestamp, keyBytes, valueBytes)
    this.#room(body + 5)
    const to = this.#buffer
    let at = writeVarint(to, this.#end, body * 2)
    to[at++] = 0
    at = writeVarint(to, at, zigzag(timestamp - this.#firstTimestamp))
    at = writeVarint(to, at, this.#count * 2)
    at = writeVarint(to, at, zigzag(keyBytes))
    if (keyBytes > 0) at = copyBytes(source, cursor.keyStart, cursor.keyEnd, to, at)
    at = writeVarint(to, at, zigzag(valueBytes))
    if (valueBytes >= 0) {
      for (let index = 0; index < frame.length; index++) to[at++] = frame[index]!
      at = copyBytes(source, cursor.valueStart, cursor.valueEnd, to, at)
    }
    to[at++] = 0
    this.#end = at
    this.#count++
  }

  #room(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#end + bytes, this.#buffer.length * 2, this.#capacity))
    this.#buffer.copy(grown, 0, 0, this.#end)
    this.#buffer = grown
  }

  finish(): void {
    if (this.#count === 0) return
    let bytes = this.#buffer.subarray(0, this.#end)
    if (this.#gzip) {
      const packed = gzipSync(bytes.subarray(kafkaHeaderBytes), { level: 1 })
      if (packed.length < bytes.length - kafkaHeaderBytes) {
        bytes = Buffer.concat([bytes.subarray(0, kafkaHeaderBytes), packed])
        bytes.writeInt16BE(gzip, 21)
      } else bytes.writeInt16BE(0, 21)
    } else bytes.writeInt16BE(0, 21)
    bytes.writeBigInt64BE(0n, 0)
    bytes.writeInt32BE(bytes.length - 12, 8)
    bytes.writeInt32BE(-1, 12)
    bytes.writeInt8(2, 16)
    bytes.writeInt32BE(this.#count - 1, 23)
    bytes.writeBigInt64BE(BigInt(this.#firstTimestamp), 27)
    bytes.writeBigInt64BE(BigInt(this.#highest), 35)
    bytes.writeInt32BE(this.#count, 57)
    this.batches.push({ bytes, count: this.#count })
    this.#buffer = noBytes
    this.#end = kafkaHeaderBytes
    this.#count = 0
  }
}

/** As arithmetic, for differences of timestamps may be beyond 32 bits. */
function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1
}

function sizeOf(unsigned: number): number {
  let bytes = 1
  for (let left = unsigned; left >= 128; left = Math.floor(left / 128)) bytes++
  return bytes
}

function writeVarint(to: Uint8Array, position: number, unsigned: number): number {
  let at = position
  let left = unsigned
  while (left >= 128) {
    to[at++] = (left % 128) + 128
    left = Math.floor(left / 128)
  }
  to[at++] = left
  return at
}
