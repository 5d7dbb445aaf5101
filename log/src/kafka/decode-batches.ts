import { gunzipSync } from 'node:zlib'
import { LogError } from '../errors.js'
import { batchHeaderBytes, batchMagic, RecordBatch, recordHeaderBytes } from '../record-batch.js'
import { copyBytes } from './copy-bytes.js'
import { crc32c } from './crc32c.js'
import { attributeBits, kafkaHeaderBytes } from './encode-batches.js'
import { frameBytes, frameSchemaId } from './framing.js'

export interface DecodedBatch {
  batch: RecordBatch
  /** Offset after it, and after what is left out behind it. */
  nextOffset: number
}

export interface Decoded {
  batches: DecodedBatch[]
  /** Where to read on; beyond the last batch's when markers or aborted records follow. */
  nextOffset: number
}

export interface AbortedTransaction {
  producerId: number
  firstOffset: number
}

const nullKey = 0xffff
const nullValue = 0xffffffff
const maxGap = 0xffff

/**
 * Unpacks what a broker has answered to a fetch: batches of magic 2, the last one maybe cut off, into packed batches of
 * records. One Kafka batch becomes one, or more where the schema changes. Records below `from`, those of aborted
 * transactions and the markers of transactions are left out.
 * @param where for messages: topic and partition
 * @throws LogError `corrupt`
 */
export function decodeBatches(
  bytes: Buffer,
  from: number,
  aborted: readonly AbortedTransaction[],
  where: string,
): Decoded {
  const batches: DecodedBatch[] = []
  const left = [...aborted].sort((one, other) => one.firstOffset - other.firstOffset)
  const open = new Set<number>()
  let nextOffset = from
  for (let at = 0; at + kafkaHeaderBytes <= bytes.length; ) {
    const base = Number(bytes.readBigInt64BE(at))
    const end = at + 12 + bytes.readInt32BE(at + 8)
    if (end > bytes.length) break
    const corrupt = (what: string) => new LogError('corrupt', `${where}: the batch at offset ${base} ${what}`)
    if (bytes[at + 16] !== 2) throw corrupt(`has magic ${bytes[at + 16]}, not 2`)
    if (end < at + kafkaHeaderBytes || crc32c(bytes, at + 21, end) !== bytes.readUInt32BE(at + 17)) {
      throw corrupt('does not match its checksum')
    }
    const attributes = bytes.readInt16BE(at + 21)
    const last = base + bytes.readInt32BE(at + 23)
    const producerId = Number(bytes.readBigInt64BE(at + 43))
    while (left.length > 0 && left[0]!.firstOffset <= last) open.add(left.shift()!.producerId)
    if ((attributes & attributeBits.control) !== 0) {
      if (isAbortMarker(bytes, at + kafkaHeaderBytes)) open.delete(producerId)
    } else if ((attributes & attributeBits.transactional) === 0 || !open.has(producerId)) {
      const records = uncompressed(bytes, at, end, attributes, corrupt)
      unpack(records, bytes, at, base, from, attributes, corrupt, batches)
    }
    nextOffset = Math.max(nextOffset, last + 1)
    const newest = batches.at(-1)
    if (newest !== undefined) newest.nextOffset = nextOffset
    at = end
  }
  return { batches, nextOffset }
}

/** A marker's key: version and type, i16 each; type 0 is abort, 1 commit. */
function isAbortMarker(bytes: Buffer, start: number): boolean {
  const reader = new VarintReader(bytes, start)
  reader.next()
  reader.at++
  reader.next()
  reader.next()
  reader.next()
  return bytes.readInt16BE(reader.at + 2) === 0
}

interface Records {
  bytes: Buffer
  start: number
  end: number
}

type Corrupt = (what: string) => LogError

function uncompressed(bytes: Buffer, at: number, end: number, attributes: number, corrupt: Corrupt): Records {
  const start = at + kafkaHeaderBytes
  const kind = attributes & attributeBits.compression
  if (kind === 0) return { bytes, start, end }
  if (kind !== 1) {
    throw corrupt(`is compressed in a way that is not supported (${['', '', 'snappy', 'lz4', 'zstd'][kind] ?? kind})`)
  }
  try {
    const unpacked = gunzipSync(bytes.subarray(start, end))
    return { bytes: unpacked, start: 0, end: unpacked.length }
  } catch (cause) {
    throw corrupt(`cannot be unpacked: ${cause instanceof Error ? cause.message : cause}`)
  }
}

/** Kafka's records to packed ones, which take at most this many bytes more each. */
const growth = recordHeaderBytes

function unpack(
  { bytes, start, end }: Records,
  header: Buffer,
  at: number,
  base: number,
  from: number,
  attributes: number,
  corrupt: Corrupt,
  batches: DecodedBatch[],
): void {
  const count = header.readInt32BE(at + 57)
  const firstTimestamp = Number(header.readBigInt64BE(at + 27))
  const appendTime = (attributes & attributeBits.logAppendTime) !== 0 ? Number(header.readBigInt64BE(at + 35)) : null
  const packer = new Packer(end - start + count * growth + batchHeaderBytes, batches)
  const reader = new VarintReader(bytes, start)
  for (let index = 0; index < count; index++) {
    const bodyEnd = reader.next() + reader.at
    reader.at++
    const timestamp = firstTimestamp + reader.next()
    const offset = base + reader.next()
    const keyBytes = reader.next()
    const keyStart = reader.at
    if (keyBytes > 0) reader.at += keyBytes
    const valueBytes = reader.next()
    const valueStart = reader.at
    if (bodyEnd > end || valueStart + Math.max(0, valueBytes) >= bodyEnd) throw corrupt(`ends inside record ${index}`)
    // Headers are not read: nobody here writes any.
    reader.at = bodyEnd
    if (offset < from) continue
    if (keyBytes >= nullKey) throw corrupt(`has a key of ${keyBytes} bytes at offset ${offset}, over the limit`)
    packer.add(offset, appendTime ?? timestamp, bytes, keyStart, keyBytes, valueStart, valueBytes)
  }
  packer.finish()
}

class VarintReader {
  at: number
  readonly #bytes: Uint8Array
  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.at = at
  }
  /** A signed number in zigzag coding, of at most 53 bits. */
  next(): number {
    const bytes = this.#bytes
    let byte = bytes[this.at++]!
    let value = byte & 0x7f
    for (let scale = 128; byte >= 0x80; scale *= 128) {
      byte = bytes[this.at++] ?? 0
      value += (byte & 0x7f) * scale
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
}

/** Packs records into batches (record-batch.ts has the layout), a new one where schema or distance demand it. */
class Packer {
  #buffer: Buffer
  #view: DataView
  readonly #batches: DecodedBatch[]
  #end = batchHeaderBytes
  #count = 0
  #schemaId = -1
  #base = 0
  #lastOffset = 0
  #gaps = 0
  #lowest = 0
  #highest = 0

  constructor(capacity: number, batches: DecodedBatch[]) {
    this.#batches = batches
    this.#buffer = Buffer.allocUnsafeSlow(capacity)
    this.#view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, capacity)
  }

  add(
    offset: number,
    timestamp: number,
    source: Buffer,
    keyStart: number,
    keyBytes: number,
    valueStart: number,
    valueBytes: number,
  ): void {
    const frame = valueBytes < 0 ? 0 : frameBytes(source, valueStart, valueStart + valueBytes)
    // A tombstone has no frame: it goes with the records around it.
    const schemaId = valueBytes < 0 ? this.#schemaId : frameSchemaId(source, valueStart, frame)
    let gap = this.#count === 0 ? 0 : offset - this.#lastOffset - 1
    const changes = this.#count > 0 && schemaId !== this.#schemaId && this.#schemaId >= 0
    if (changes || gap > maxGap) {
      this.#finish(true)
      gap = 0
    }
    if (this.#count === 0) {
      this.#base = offset
      this.#lowest = timestamp
      this.#highest = timestamp
    }
    this.#schemaId = schemaId
    this.#lastOffset = offset
    this.#gaps += gap
    if (timestamp < this.#lowest) this.#lowest = timestamp
    if (timestamp > this.#highest) this.#highest = timestamp
    const view = this.#view
    let at = this.#end
    view.setUint32(at, valueBytes < 0 ? nullValue : valueBytes - frame, true)
    view.setUint16(at + 4, keyBytes < 0 ? nullKey : keyBytes, true)
    view.setUint16(at + 6, gap, true)
    view.setFloat64(at + 8, timestamp, true)
    at += recordHeaderBytes
    if (keyBytes > 0) at = copyBytes(source, keyStart, keyStart + keyBytes, this.#buffer, at)
    if (valueBytes > frame) at = copyBytes(source, valueStart + frame, valueStart + valueBytes, this.#buffer, at)
    this.#end = at
    this.#count++
  }

  finish(): void {
    this.#finish(false)
  }

  #finish(more: boolean): void {
    if (this.#count > 0) {
      const view = this.#view
      view.setUint32(0, batchMagic, true)
      view.setUint32(4, Math.max(0, this.#schemaId), true)
      view.setUint32(8, this.#count, true)
      view.setUint32(12, this.#gaps, true)
      view.setFloat64(16, this.#base, true)
      view.setFloat64(24, this.#lowest, true)
      view.setFloat64(32, this.#highest, true)
      const whole = this.#buffer.subarray(0, this.#end)
      this.#batches.push({ batch: new RecordBatch(whole), nextOffset: this.#lastOffset + 1 })
    }
    if (!more) return
    const left = this.#buffer.length - this.#end + batchHeaderBytes
    this.#buffer = Buffer.allocUnsafeSlow(left)
    this.#view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, left)
    this.#end = batchHeaderBytes
    this.#count = 0
    this.#gaps = 0
    this.#schemaId = -1
  }
}
