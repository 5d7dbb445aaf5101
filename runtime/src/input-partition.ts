import { batchHeaderBytes, type FetchedBatch, recordHeaderBytes } from '@syscribe/log'
import type { TopicCodec, TopicName, Watermark } from '@syscribe/schemas'
import type { InputRecord } from './processor.js'
import { type ReadableSchema, type RecordClass, recordClass } from './readable-schema.js'
import { floorOf, type SavedSource, sourceId, WatermarkSources } from './watermark-sources.js'

/** Where an input stands, and what decides the order of what follows. */
export interface SavedInput {
  topic: string
  partition: number
  /** Offset of the next record to step. */
  offset: number
  /** No later record is stepped at an earlier time than this; null before the first. */
  floor: number | null
  sources: SavedSource[]
}

const nullLength = -1

/**
 * One input partition: a queue of batches with the next record (the head) parsed. It is also that record, as the step
 * sees it: one object for all of them.
 *
 * `time` is the head's place in the merge: its timestamp, but never before an earlier record or watermark of the
 * partition; a watermark of millisecond t stands before the other records of t. Without a head `time` is the least a
 * later record can have.
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

  /** Offset of the next record to step. */
  next: number
  /** Bytes of the batches that wait, with the one being read. */
  waitingBytes = 0
  /** Bytes of the records taken so far. */
  takenBytes = 0
  readonly sources = new WatermarkSources()

  #floor = Number.NEGATIVE_INFINITY
  #limit = Number.POSITIVE_INFINITY
  #ended = false
  readonly #waiting: { fetched: FetchedBatch; schema: ReadableSchema }[] = []
  #batch: FetchedBatch | null = null
  #schema: ReadableSchema | null = null
  #buffer: Buffer = Buffer.alloc(0)
  #left = 0
  #offset = 0
  #position = 0
  #keyStart = 0
  #keyLength = nullLength
  #valueStart = 0
  #valueEnd = 0
  #parsed = false

  constructor(topic: TopicName, partition: number, isTable: boolean, offset: number) {
    this.topic = topic
    this.partition = partition
    this.isTable = isTable
    this.next = offset
  }

  get key(): Buffer | null {
    return this.#keyLength === nullLength
      ? null
      : this.#buffer.subarray(this.#keyStart, this.#keyStart + this.#keyLength)
  }
  /** Made when first asked for: a view costs as much as reading a short record. */
  get value(): Buffer {
    this.#value ??= this.#buffer.subarray(this.#valueStart, this.#valueEnd)
    return this.#value
  }
  #value: Buffer | null = null
  get codec(): TopicCodec<TopicName> {
    return (this.#schema as ReadableSchema).codec
  }
  /** Why the head's batch cannot be read; null when it can. */
  get fault(): string | null {
    return this.#schema?.fault ?? null
  }

  push(fetched: FetchedBatch, schema: ReadableSchema): void {
    this.#waiting.push({ fetched, schema })
    this.waitingBytes += fetched.batch.byteLength
    if (!this.#parsed) this.#parse()
  }

  /** Lets the head, a watermark, count; `pop` comes after. */
  applyWatermark(): Watermark {
    const watermark = this.watermark as Watermark
    this.sources.set(sourceId(this.key, watermark.host), watermark)
    this.#floor = Math.max(this.#floor, floorOf(this.sources.progress()!))
    return watermark
  }

  /** Takes the head: it has been stepped. */
  pop(): void {
    this.takenBytes += this.#valueEnd - this.#position
    this.next = this.offset + 1
    if (this.class !== recordClass.watermark && this.time > this.#floor) this.#floor = this.time
    this.#position = this.#valueEnd
    this.#parse()
  }

  /** Records from `offset` on stay hidden, and do not hold the others back. */
  limitTo(offset: number): void {
    this.#limit = offset
    this.#expose()
  }
  /** Everything before the limit has been taken. */
  get atLimit(): boolean {
    return this.next >= this.#limit || (this.#parsed && this.offset >= this.#limit)
  }
  /** The log holds nothing more of this partition, for good: it no longer holds the others back. */
  end(): void {
    this.#ended = true
    this.#expose()
  }

  /** Forgets what waits, to read on from `offset`. */
  seek(offset: number): void {
    this.#waiting.length = 0
    this.waitingBytes = 0
    this.#batch = null
    this.#left = 0
    this.#parsed = false
    this.next = offset
    this.#expose()
  }

  /** Least time of a later record, milliseconds; -Infinity before the first. */
  get floor(): number {
    return this.#floor
  }

  save(): SavedInput {
    return {
      topic: this.topic,
      partition: this.partition,
      offset: this.next,
      floor: Number.isFinite(this.#floor) ? this.#floor : null,
      sources: this.sources.save(),
    }
  }

  restore(saved: SavedInput): void {
    this.#floor = saved.floor ?? Number.NEGATIVE_INFINITY
    this.sources.restore(saved.sources)
    this.seek(saved.offset)
  }

  #parse(): void {
    this.#parsed = false
    for (;;) {
      if (this.#left === 0 && !this.#nextBatch()) break
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
      if (this.#offset < this.next) {
        this.#position = this.#valueEnd
        continue
      }
      this.offset = this.#offset
      this.#value = null
      this.timestamp = buffer.readDoubleLE(position + 8)
      this.class =
        valueLength === 0xffffffff
          ? 'tombstone'
          : valueLength === 0
            ? recordClass.unreadable
            : ((this.#schema as ReadableSchema).classes[buffer[this.#valueStart] as number] as RecordClass)
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

  #nextBatch(): boolean {
    if (this.#batch !== null) {
      this.waitingBytes -= this.#batch.batch.byteLength
      this.next = Math.max(this.next, this.#batch.nextOffset)
      this.#batch = null
    }
    const next = this.#waiting.shift()
    if (next === undefined) return false
    this.#batch = next.fetched
    this.#schema = next.schema
    this.#buffer = next.fetched.batch.buffer
    this.#left = next.fetched.batch.count
    this.#offset = next.fetched.batch.baseOffset - 1
    this.#position = batchHeaderBytes
    return true
  }

  #expose(): void {
    this.hasHead = this.#parsed && this.offset < this.#limit
    this.time = this.hasHead
      ? this.#headTime
      : this.atLimit || (this.#ended && !this.#parsed)
        ? Number.POSITIVE_INFINITY
        : this.#floor
  }
}
