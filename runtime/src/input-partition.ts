import { batchHeaderBytes, type FetchedBatch, recordHeaderBytes } from '@syscribe/log'
import type { TopicCodec, TopicName, Watermark } from '@syscribe/schemas'
import { type HeldRecord, HostOrder, isTaken, type SavedHostOrder, type TakenPlace } from './host-order.js'
import type { InputRecord } from './processor.js'
import { type ReadableSchema, type RecordClass, recordClass } from './readable-schema.js'
import {
  floorAfter,
  floorOf,
  type Progress,
  type SavedSource,
  sourceId,
  WatermarkSources,
} from './watermark-sources.js'

/** Where an input stands, and what decides the order of what follows. */
export interface SavedInput {
  topic: string
  partition: number
  /** Offset of the first record not stepped. */
  offset: number
  /** No later record is stepped at an earlier time than this; null before the first. */
  floor: number | null
  /** The watermarks stepped. */
  sources: SavedSource[]
  /** Where several hosts write: what of the records behind `offset` has been stepped, and how to find their order again. */
  hosts?: SavedHostOrder
}

const nullLength = -1

/**
 * One input partition: a queue of batches with the next record (the head) parsed. It is also that record, as the step
 * sees it: one object for all of them.
 *
 * `time` is the head's place in the merge. While one host writes the partition, records are taken by offset: `time` is the
 * timestamp, but never before an earlier record or watermark of the partition; a watermark of millisecond t stands before
 * the other records of t. Nothing is waited for. From the watermark that makes a second host known on, until only one is
 * left, HostOrder gives times and order. A table begins that way, because compaction may have left no watermark before
 * its records. Without a head `time` is the least a later record can have.
 */
export class InputPartition implements InputRecord {
  readonly topic: TopicName
  readonly partition: number
  readonly isTable: boolean

  /** There is a record to step. */
  hasHead = false
  time = Number.NEGATIVE_INFINITY
  class: RecordClass | 'tombstone' = recordClass.unknown
  offset = 0
  timestamp = 0
  /** The head's watermark when its class is that. */
  watermark: Watermark | null = null

  /** Bytes of the batches that wait, with the one being read. */
  waitingBytes = 0
  /** Offset of the next record to fetch. */
  fetchedTo: number
  /** Bytes of the records taken so far. */
  takenBytes = 0
  readonly sources = new WatermarkSources()

  /** By offset: of the next record to step. */
  #next: number
  #floor = Number.NEGATIVE_INFINITY
  /** Null while the order is that of the offsets. */
  #order: HostOrder | null = null
  readonly #heldBytes: number
  /** Offset from which on records stay hidden, but for those that `#limitLast` names. */
  #limit = Number.POSITIVE_INFINITY
  #limitLast: TakenPlace['last'] = null
  /** Nothing is read from the limit on. */
  #cut = false
  #ended = false
  readonly #waiting: { fetched: FetchedBatch; schema: ReadableSchema }[] = []
  // Where reading stands.
  #batch: FetchedBatch | null = null
  #schema: ReadableSchema | null = null
  #buffer: Buffer = Buffer.alloc(0)
  #left = 0
  #offset = 0
  #position = 0
  // The head.
  #headSchema: ReadableSchema | null = null
  #headBuffer: Buffer = this.#buffer
  #keyStart = 0
  #keyLength = nullLength
  #valueStart = 0
  #valueEnd = 0
  #parsed = false

  /** @param heldBytes how much may be held where several hosts write: policy `heldBytes` */
  constructor(topic: TopicName, partition: number, isTable: boolean, offset: number, heldBytes: number) {
    this.topic = topic
    this.partition = partition
    this.isTable = isTable
    this.#next = offset
    this.fetchedTo = offset
    this.#heldBytes = heldBytes
    if (isTable) this.#order = new HostOrder(offset, heldBytes)
  }

  /** Offset of the first record not stepped. */
  get next(): number {
    return this.#order === null ? this.#next : this.#order.taken.offset
  }
  /** What has been stepped. */
  get taken(): TakenPlace {
    return this.#order === null ? { offset: this.#next, last: null } : this.#order.taken
  }
  /** Every record below this offset has been stepped, or waits for the watermark of another host. */
  get reached(): number {
    const order = this.#order
    return order === null ? this.#next : order.first === undefined ? order.walked : order.taken.offset
  }
  /** Offset of the next record to read when what waits is forgotten. */
  get readFrom(): number {
    return this.#order === null ? this.#next : this.#order.walked
  }

  get key(): Buffer | null {
    return this.#keyLength === nullLength
      ? null
      : this.#headBuffer.subarray(this.#keyStart, this.#keyStart + this.#keyLength)
  }
  /** Made when first asked for: a view costs as much as reading a short record. */
  get value(): Buffer {
    this.#value ??= this.#headBuffer.subarray(this.#valueStart, this.#valueEnd)
    return this.#value
  }
  #value: Buffer | null = null
  get codec(): TopicCodec<TopicName> {
    return (this.#headSchema as ReadableSchema).codec
  }
  /** Why the head's batch cannot be read; null when it can. */
  get fault(): string | null {
    return this.#headSchema?.fault ?? null
  }

  push(fetched: FetchedBatch, schema: ReadableSchema): void {
    this.#waiting.push({ fetched, schema })
    this.waitingBytes += fetched.batch.byteLength
    this.fetchedTo = fetched.nextOffset
    if (!this.#parsed) this.#parse()
  }

  /** Lets the head, a watermark, count; `pop` comes after. */
  applyWatermark(): Watermark {
    const watermark = this.watermark as Watermark
    this.sources.set(sourceId(this.key, watermark.host), watermark)
    // Where HostOrder walks, it has raised what is known already.
    const progress = this.sources.progress() as Progress
    this.#floor = this.#order === null ? floorAfter(this.#floor, progress) : Math.max(this.#floor, floorOf(progress))
    return watermark
  }

  /** Takes the head: it has been stepped. */
  pop(): void {
    if (this.class !== recordClass.watermark && this.time > this.#floor) this.#floor = this.time
    if (this.#order === null) {
      this.takenBytes += this.#valueEnd - this.#position
      this.#next = this.offset + 1
      this.#position = this.#valueEnd
      if (this.class === recordClass.watermark && this.sources.counting > 1) {
        this.#order = HostOrder.after(this.#next, this.#floor, this.sources, this.#heldBytes)
      }
    } else {
      this.takenBytes += this.#valueEnd - this.#keyStart + recordHeaderBytes
      this.#order.take()
    }
    this.#parse()
  }

  /** Nothing is read from `offset` on, as if the partition ended there. */
  limitTo(offset: number): void {
    this.#limit = offset
    this.#limitLast = null
    this.#cut = true
    this.#again()
  }
  /** What is not among `place` stays hidden, and does not hold the others back; null: no limit any more. */
  limitToTaken(place: TakenPlace | null): void {
    this.#limit = place?.offset ?? Number.POSITIVE_INFINITY
    this.#limitLast = place?.last ?? null
    this.#cut = false
    this.#again()
  }
  /** What compaction or retention has removed within the limit is not waited for. */
  passMissing(): void {
    if (this.#order === null) this.limitToTaken(this.taken)
    else {
      this.#order.releaseTo({ offset: this.#limit, last: this.#limitLast })
      this.#again()
    }
  }
  /** Everything before the limit has been taken. */
  get atLimit(): boolean {
    if (this.#limit === Number.POSITIVE_INFINITY) return false
    if (this.#parsed) return !this.#withinLimit()
    const order = this.#order
    if (order === null) return this.#next >= this.#limit
    return order.isBehind({ offset: this.#limit, last: this.#limitLast })
  }
  /** The log holds nothing more of this partition, for good: it no longer holds the others back. */
  end(): void {
    this.#ended = true
    this.#again()
  }

  /** Forgets what waits, to read on from `offset`. */
  seek(offset: number): void {
    this.#waiting.length = 0
    this.waitingBytes = 0
    this.#batch = null
    this.#left = 0
    if (this.#order === null) this.#next = offset
    else this.#order.passTo(offset)
    this.fetchedTo = this.readFrom
    this.#parse()
  }

  /** Least time of a later record, milliseconds; -Infinity before the first. */
  get floor(): number {
    return this.#floor
  }

  save(): SavedInput {
    const saved = {
      topic: this.topic,
      partition: this.partition,
      offset: this.next,
      floor: Number.isFinite(this.#floor) ? this.#floor : null,
      sources: this.sources.save(),
    }
    return this.#order === null ? saved : { ...saved, hosts: this.#order.save() }
  }

  restore({ offset, floor, sources, hosts }: SavedInput): void {
    this.#floor = floor ?? Number.NEGATIVE_INFINITY
    this.sources.restore(sources)
    this.#order = hosts === undefined ? null : HostOrder.restore(hosts, offset, this.#heldBytes)
    this.seek(hosts?.offset ?? offset)
  }

  /** The limit has changed, or what follows is known to be nothing. */
  #again(): void {
    if (this.#parsed) this.#expose()
    else this.#parse()
  }

  #parse(): void {
    this.#parsed = false
    if (this.#order !== null) {
      this.#parseReleased(this.#order)
      return
    }
    for (;;) {
      while (this.#left === 0 && this.#nextBatch());
      if (this.#left === 0) break
      this.#left--
      const buffer = this.#buffer
      const position = this.#position
      const valueLength = buffer.readUInt32LE(position)
      const keyLength = buffer.readUInt16LE(position + 4)
      this.#offset += 1 + buffer.readUInt16LE(position + 6)
      this.#keyStart = position + recordHeaderBytes
      this.#keyLength = keyLength === 0xffff ? nullLength : keyLength
      this.#valueStart = this.#keyStart + (keyLength === 0xffff ? 0 : keyLength)
      this.#valueEnd = this.#valueStart + (valueLength === 0xffffffff ? 0 : valueLength)
      if (this.#offset < this.#next) {
        this.#position = this.#valueEnd
        continue
      }
      this.offset = this.#offset
      this.#value = null
      this.timestamp = buffer.readDoubleLE(position + 8)
      this.class = classOf(this.#schema as ReadableSchema, buffer, valueLength, this.#valueStart)
      this.watermark = null
      this.#headTime = Math.max(this.timestamp, this.#floor)
      if (this.class === recordClass.watermark) this.#readWatermark()
      this.#parsed = true
      break
    }
    this.#expose()
  }
  #headTime = 0

  #readWatermark(): void {
    try {
      const watermark = this.codec.decode(this.value).value as Watermark
      const progress = this.sources.progressWith(sourceId(this.key, watermark.host), watermark)
      this.watermark = watermark
      this.#headTime = Math.max(this.#floor, floorOf(progress) - 0.5)
    } catch {
      this.class = recordClass.unreadable
    }
  }

  /** Walks on until a record is released: it becomes the head. */
  #parseReleased(order: HostOrder): void {
    for (;;) {
      const record = order.first
      if (record !== undefined) {
        this.#setHead(record)
        break
      }
      if (order.done) {
        this.#leaveOrder(order)
        return
      }
      if (this.#walk(order)) continue
      const nothingFollows = this.#ended || (this.#cut && order.walked >= this.#limit)
      if (!nothingFollows || !order.releaseAll()) break
    }
    this.#expose()
  }

  #setHead(record: HeldRecord): void {
    this.offset = record.offset
    this.timestamp = record.timestamp
    this.class = record.class
    this.watermark = record.watermark
    this.#headSchema = record.schema
    this.#headBuffer = record.buffer
    this.#keyStart = record.keyStart
    this.#keyLength = record.keyLength
    this.#valueStart = record.valueStart
    this.#valueEnd = record.valueEnd
    this.#value = null
    this.#headTime = record.time
    this.#parsed = true
  }

  /** One host is left, and everything walked has been taken: on by offset. */
  #leaveOrder(order: HostOrder): void {
    this.#order = null
    this.#next = order.walked
    this.#floor = Math.max(this.#floor, order.known)
    this.sources.restore(order.sources.save())
    this.#headSchema = this.#schema
    this.#headBuffer = this.#buffer
    this.#parse()
  }

  #walk(order: HostOrder): boolean {
    for (;;) {
      while (this.#left === 0 && this.#nextBatch());
      if (this.#left === 0) return false
      const schema = this.#schema as ReadableSchema
      const buffer = this.#buffer
      const position = this.#position
      const valueLength = buffer.readUInt32LE(position)
      const keyLength = buffer.readUInt16LE(position + 4)
      const offset = this.#offset + 1 + buffer.readUInt16LE(position + 6)
      if (this.#cut && offset >= this.#limit) {
        order.passTo(this.#limit)
        return false
      }
      const keyStart = position + recordHeaderBytes
      const valueStart = keyStart + (keyLength === 0xffff ? 0 : keyLength)
      const valueEnd = valueStart + (valueLength === 0xffffffff ? 0 : valueLength)
      this.#left--
      this.#offset = offset
      this.#position = valueEnd
      if (offset < order.walked) continue
      let kind = classOf(schema, buffer, valueLength, valueStart)
      let watermark: Watermark | null = null
      let id = ''
      if (kind === recordClass.watermark) {
        try {
          watermark = schema.codec.decode(buffer.subarray(valueStart, valueEnd)).value as Watermark
          id = sourceId(keyLength === 0xffff ? null : buffer.subarray(keyStart, valueStart), watermark.host)
        } catch {
          kind = recordClass.unreadable
        }
      }
      order.add(
        {
          offset,
          timestamp: buffer.readDoubleLE(position + 8),
          class: kind,
          watermark,
          schema,
          buffer,
          keyStart,
          keyLength: keyLength === 0xffff ? nullLength : keyLength,
          valueStart,
          valueEnd,
          time: 0,
          heldBytes: 0,
        },
        id,
      )
      return true
    }
  }

  #nextBatch(): boolean {
    if (this.#batch !== null) {
      this.waitingBytes -= this.#batch.batch.byteLength
      if (this.#order === null) this.#next = Math.max(this.#next, this.#batch.nextOffset)
      else this.#order.passTo(this.#batch.nextOffset)
      this.#batch = null
    }
    const next = this.#waiting.shift()
    if (next === undefined) return false
    this.#batch = next.fetched
    this.#schema = next.schema
    this.#buffer = next.fetched.batch.buffer
    if (this.#order === null) {
      this.#headSchema = this.#schema
      this.#headBuffer = this.#buffer
    }
    this.#left = next.fetched.batch.count
    this.#offset = next.fetched.batch.baseOffset - 1
    this.#position = batchHeaderBytes
    return true
  }

  #withinLimit(): boolean {
    if (this.offset < this.#limit) return true
    return this.#limitLast !== null && isTaken({ offset: 0, last: this.#limitLast }, this.#headTime, this.offset)
  }

  #expose(): void {
    this.hasHead = this.#parsed && this.#withinLimit()
    this.time = this.hasHead
      ? this.#headTime
      : this.atLimit || (this.#ended && !this.#parsed)
        ? Number.POSITIVE_INFINITY
        : (this.#order?.known ?? this.#floor)
  }
}

function classOf(
  schema: ReadableSchema,
  buffer: Buffer,
  valueLength: number,
  valueStart: number,
): RecordClass | 'tombstone' {
  if (valueLength === 0xffffffff) return 'tombstone'
  if (valueLength === 0) return recordClass.unreadable
  return schema.classes[buffer[valueStart] as number] as RecordClass
}
