import { batchFault } from '../check-batch.js'
import { LogError } from '../errors.js'
import type { PartitionOffsets, Retention, TopicSettings } from '../log.js'
import { RecordBatch } from '../record-batch.js'
import { Catalog, type StoredTopic } from './catalog.js'
import { CommitQueue } from './commit-queue.js'
import {
  batchKey,
  batchRange,
  deletedKey,
  formatKey,
  offsetFromBatchKey,
  partitionKey,
  partitionsRange,
  timeKey,
  timesRange,
} from './keys.js'
import { decodePartition, emptyPartition, encodePartition, type PartitionRow } from './partition-row.js'
import { RecentBatches } from './recent-batches.js'
import type { Change, Store } from './store.js'

export type SideName = 'raw' | 'derived'

/** A batch for a topic of this side. */
export interface TopicBatch {
  topic: StoredTopic
  partition: number
  batch: RecordBatch
}

const format = 1
/** The time index has an entry for each step of the partition's newest timestamp of at least this, ms. */
const timeIndexStep = 1000

/**
 * The topics of one writer: an LMDB store, its catalog, and, when this opener is the writer, the state of its
 * partitions in memory. There is one writer at a time, so what it has in memory is what the store has.
 */
export class Side {
  readonly name: SideName
  readonly store: Store
  readonly catalog: Catalog
  readonly queue: CommitQueue
  readonly writes: boolean
  /** Committed state, and what the commit in the making changes of it. Only of the writer. */
  readonly #rows = new Map<number, PartitionRow>()
  readonly #drafts = new Map<number, PartitionRow>()
  readonly #recent = new RecentBatches()
  /** Appended in the commit in the making. */
  #appended: TopicBatch[] = []
  #catalogWork: Promise<void> = Promise.resolve()

  /** @throws LogError `corrupt` when the store is none of this format. */
  constructor(name: SideName, store: Store, writes: boolean, committed: () => void) {
    this.name = name
    this.store = store
    this.writes = writes
    this.#checkFormat()
    this.catalog = new Catalog(store, name === 'raw' ? 1 : 2)
    this.queue = new CommitQueue(store, (success) => {
      if (success) for (const [place, row] of this.#drafts) this.#rows.set(place, row)
      if (success) for (const { topic, partition, batch } of this.#appended) this.#keep(topic, partition, batch)
      this.#drafts.clear()
      this.#appended = []
      if (success) committed()
    })
    if (!writes) return
    for (const key of store.keys(partitionsRange)) {
      const row = store.get(key)
      if (row !== undefined) this.#rows.set(placeOf(key.readUInt32BE(1), key.readUInt32BE(5)), decodePartition(row))
    }
  }

  /** Marks a new store as one of this format. */
  async prepare(): Promise<void> {
    if (this.store.get(formatKey) !== undefined) return
    const value = Buffer.from(JSON.stringify({ format, side: this.name }))
    await this.queue.submit(() => ({ changes: [{ key: formatKey, value }], result: undefined }))
  }

  #checkFormat(): void {
    const text = this.store.get(formatKey)
    if (text === undefined) {
      if (this.store.isEmpty) return
      throw new LogError('corrupt', `the log in ${this.store.path} is damaged: it does not say its format`)
    }
    const found = JSON.parse(text.toString()) as { format: number; side: string }
    if (found.format !== format || found.side !== this.name) {
      const what = `${found.side} of format ${found.format}, not ${this.name} of format ${format}`
      throw new LogError('corrupt', `the log in ${this.store.path} is ${what}`)
    }
  }

  /** The topic, known also when another opener has just created it. */
  topic(name: string): StoredTopic | undefined {
    if (!this.writes) this.catalog.refresh()
    return this.catalog.topics.get(name)
  }

  /** Creates topics that do not exist. */
  createTopics(topics: readonly TopicSettings[]): Promise<void> {
    return this.#changeCatalog(() => {
      const { changes, added } = this.catalog.addTopics(topics.filter(({ topic }) => !this.catalog.topics.has(topic)))
      if (added.length === 0) return { changes: [], result: undefined }
      for (const { id, settings } of added) {
        for (let partition = 0; partition < settings.partitions; partition++) {
          this.#drafts.set(placeOf(id, partition), emptyPartition())
          changes.push({ key: partitionKey(id, partition), value: encodePartition(emptyPartition()) })
        }
      }
      return { changes, result: undefined }
    })
  }

  /** Changes how long a known topic's records are kept. */
  setRetention(name: string, retention: Retention): Promise<void> {
    return this.#changeCatalog(() => ({ changes: this.catalog.changeRetention(name, retention), result: undefined }))
  }

  /** Makes a topic unknown; the cleaner removes its records. */
  deleteTopic(name: string): Promise<void> {
    return this.#changeCatalog(() => {
      const topic = this.catalog.topics.get(name)
      if (topic === undefined) return { changes: [], result: undefined }
      const marked = { key: deletedKey(topic.id), value: Buffer.from([1]) }
      return { changes: [...this.catalog.removeTopic(name), marked], result: undefined }
    })
  }

  registerSchema(text: string): Promise<number> {
    return this.#changeCatalog(() => {
      const known = this.catalog.schemaId(text)
      if (known !== undefined) return { changes: [], result: known }
      const { changes, id } = this.catalog.addSchema(text)
      return { changes, result: id }
    })
  }

  /** Changes of the catalog one after the other, each seen by the next. */
  #changeCatalog<T>(plan: () => { changes: Change[]; result: T }): Promise<T> {
    const done = this.#catalogWork.then(async () => {
      const result = await this.queue.submit(plan)
      this.store.refresh()
      this.catalog.refresh()
      return result
    })
    this.#catalogWork = done.then(
      () => undefined,
      () => undefined,
    )
    return done
  }

  /** Resolves when no change is under way. */
  async idle(): Promise<void> {
    await this.#catalogWork
    await this.queue.idle()
  }

  /** The partition as committed. */
  row(topic: StoredTopic, partition: number): PartitionRow {
    if (this.writes) return this.#rows.get(placeOf(topic.id, partition)) ?? emptyPartition()
    const row = this.store.get(partitionKey(topic.id, partition))
    return row === undefined ? emptyPartition() : decodePartition(row)
  }

  /** The partition as it will be after the commit in the making, to be changed within a plan. */
  draft(topic: StoredTopic, partition: number): PartitionRow {
    const place = placeOf(topic.id, partition)
    let draft = this.#drafts.get(place)
    if (draft === undefined) {
      draft = { ...(this.#rows.get(place) ?? emptyPartition()) }
      this.#drafts.set(place, draft)
    }
    return draft
  }

  /** Within a plan: gives the batches their offsets. Nothing in here may fail. */
  append(batches: readonly TopicBatch[]): { changes: Change[]; bases: number[] } {
    const changes: Change[] = []
    const touched = new Map<PartitionRow, Buffer>()
    const bases = batches.map(({ topic, partition, batch }) => {
      const row = this.draft(topic, partition)
      const base = row.end
      batch.baseOffset = base
      changes.push({ key: batchKey(topic.id, partition, base), value: batch.buffer })
      row.end = batch.nextOffset
      row.bytes += batch.byteLength
      if (batch.maxTimestamp > row.newest) {
        row.newest = batch.maxTimestamp
        if (row.newest >= row.indexed + timeIndexStep) {
          row.indexed = row.newest
          changes.push({ key: timeKey(topic.id, partition, row.newest), value: offsetValue(base) })
        }
      }
      touched.set(row, partitionKey(topic.id, partition))
      return base
    })
    // Raw topics are read by other openers.
    if (this.name === 'derived') this.#appended.push(...batches)
    for (const [row, key] of touched) changes.push({ key, value: encodePartition(row) })
    return { changes, bases }
  }

  offsets(topic: StoredTopic, partition: number): PartitionOffsets {
    const { start, end, bytes } = this.row(topic, partition)
    return { partition, start, end, bytes }
  }

  /**
   * The batch that holds `offset` or the first after it; null when there is none.
   * @throws LogError `offset_out_of_range`, `corrupt`
   */
  batchFrom(topic: StoredTopic, partition: number, offset: number): RecordBatch | null {
    const { start, end } = this.row(topic, partition)
    if (offset < start || offset > end) {
      const at = `${topic.settings.topic}/${partition}`
      throw new LogError(
        'offset_out_of_range',
        `offset ${offset} of ${at} is not among the kept ones, ${start} to ${end}`,
      )
    }
    if (offset === end) return null
    const recent = this.#recent.get(topic.id, partition, offset)
    if (recent !== undefined) return recent
    const direct = this.store.get(batchKey(topic.id, partition, offset))
    if (direct !== undefined) {
      const batch = this.#checked(topic, partition, offset, direct)
      this.#keep(topic, partition, batch)
      return batch
    }
    const before = this.store.lastKey(batchRange(topic.id, partition, start, offset))
    if (before !== undefined) {
      const batch = this.batchAt(topic, partition, before)
      if (batch !== null && batch.nextOffset > offset) return batch
    }
    const after = this.store.keys(batchRange(topic.id, partition, offset, end), 1)[0]
    return after === undefined ? null : this.batchAt(topic, partition, after)
  }

  #keep(topic: StoredTopic, partition: number, batch: RecordBatch): void {
    if (topic.settings.cleanup === 'delete') this.#recent.add(topic.id, partition, batch)
  }

  /** The batch of a key of `batchRange`, null when it has gone. */
  batchAt(topic: StoredTopic, partition: number, key: Buffer): RecordBatch | null {
    const value = this.store.get(key)
    return value === undefined ? null : this.#checked(topic, partition, offsetFromBatchKey(key), value)
  }

  #checked(topic: StoredTopic, partition: number, offset: number, value: Buffer): RecordBatch {
    const fault = batchFault(value)
    const batch = new RecordBatch(value)
    if (fault === null && batch.baseOffset === offset) return batch
    const what = fault ?? `says it begins at ${batch.baseOffset}`
    throw new LogError(
      'corrupt',
      `the log in ${this.store.path} is damaged: the batch at offset ${offset} of ${topic.settings.topic}/${partition} ${what}`,
    )
  }

  /** First offset with a record at or after `timestamp`, or the end offset. */
  offsetForTime(topic: StoredTopic, partition: number, timestamp: number): number {
    const { start, end, newest } = this.row(topic, partition)
    if (newest < timestamp) return end
    // The last entry below: all up to its batch is older than `timestamp`.
    const { start: first } = timesRange(topic.id, partition)
    const entry = this.store.lastKey({ start: first, end: timeKey(topic.id, partition, Math.ceil(timestamp)) })
    const from = entry === undefined ? undefined : this.store.get(entry)
    let offset = Math.max(start, from?.readDoubleLE(0) ?? start)
    while (offset < end) {
      const batch = this.batchFrom(topic, partition, offset)
      if (batch === null) break
      if (batch.maxTimestamp >= timestamp) {
        for (const record of batch) if (record.timestamp >= timestamp) return record.offset
      }
      offset = batch.nextOffset
    }
    return end
  }
}

function placeOf(topicId: number, partition: number): number {
  return topicId * 0x10000 + partition
}

function offsetValue(offset: number): Buffer {
  const value = Buffer.allocUnsafe(8)
  value.writeDoubleLE(offset, 0)
  return value
}
