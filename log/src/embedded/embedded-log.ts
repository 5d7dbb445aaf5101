import { statSync } from 'node:fs'
import { join } from 'node:path'
import { topics as catalogue } from '@syscribe/schemas'
import { checkBatch, defaultMaxBatchBytes } from '../check-batch.js'
import { LogError } from '../errors.js'
import { checkCommittedOffset, checkGroupName } from '../local/committed-offsets.js'
import { GroupCoordinator } from '../local/group-coordinator.js'
import { PartitionReader, type PartitionSource } from '../local/partition-reader.js'
import type {
  CommittedOffset,
  GroupMember,
  GroupOptions,
  Log,
  PartitionBatch,
  PartitionOffsets,
  Producer,
  ProducerOptions,
  Reader,
  ReaderOptions,
  Retention,
  TopicDescription,
  TopicPartition,
  TopicSettings,
  Transaction,
} from '../log.js'
import type { RecordBatch } from '../record-batch.js'
import { checkSameSettings, checkTopicSettings } from '../topic-settings.js'
import type { StoredTopic } from './catalog.js'
import { Cleaner } from './cleaner.js'
import { committedOffsets, removeGroup, writeOffsets } from './committed.js'
import { EmbeddedProducer } from './embedded-producer.js'
import { makeDirectory } from './make-directory.js'
import type { EmbeddedLogOptions } from './options.js'
import { PolledNews } from './polled-news.js'
import { Side, type SideName, type TopicBatch } from './side.js'
import { Store } from './store.js'
import { storeFault } from './store-fault.js'
import { WriterLock } from './writer-lock.js'

const sideNames = ['raw', 'derived'] as const
const dayMs = 24 * 60 * 60 * 1000

/**
 * Opens the log in a data directory, without a broker.
 * @throws LogError `locked` naming the pid that writes there, `corrupt`, `unavailable`
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<Log> {
  const { path, readOnly = false, writes = 'both' } = options
  const written = readOnly ? [] : sideNames.filter((name) => writes === 'both' || writes === name)
  if (!readOnly) makeLogDirectory(path)
  else checkIsThere(path)
  const opened: (WriterLock | Store)[] = []
  try {
    const locks = written.map((name) => {
      const lock = new WriterLock(join(path, `${name}.writer`))
      opened.push(lock)
      return lock
    })
    const stores = sideNames.map((name) => {
      const access = written.includes(name) ? 'write' : readOnly ? 'read' : 'make'
      const store = new Store(join(path, name), { access, mapSize: options.mapSize })
      opened.push(store)
      return store
    })
    const log = new EmbeddedLog(options, stores, written, locks)
    await log.prepare()
    return log
  } catch (error) {
    for (const part of opened.reverse()) await (part instanceof Store ? part.close() : part.release())
    throw error
  }
}

function checkIsThere(path: string): void {
  try {
    const found = sideNames.every((name) => statSync(join(path, name, 'data.mdb'), { throwIfNoEntry: false }))
    if (!found) throw new LogError('unavailable', `there is no log in ${path}`)
  } catch (error) {
    throw storeFault(error, path, 'opening')
  }
}

function makeLogDirectory(path: string): void {
  try {
    // A directory that was there keeps its mode; what is made in it is the owner's only.
    makeDirectory(path)
  } catch (error) {
    throw storeFault(error, path, 'making the directory')
  }
}

export class EmbeddedLog implements Log, PartitionSource {
  readonly engine = 'embedded'
  readonly news: PolledNews
  closed = false
  readonly #path: string
  readonly #sides: Record<SideName, Side>
  readonly #locks: readonly WriterLock[]
  readonly #cleaners: readonly Cleaner[]
  readonly #rawTopics: (topic: string) => boolean
  readonly #maxBatchBytes: number
  /** The epoch of the newest holder of each transactionalId. In memory, for there is one opener that writes. */
  readonly #epochs = new Map<string, number>()
  readonly #coordinator = new GroupCoordinator((topic) => this.#find(topic).topic.settings.partitions)
  readonly #onCleanFault: (fault: LogError) => void
  readonly #timer: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  constructor(
    options: EmbeddedLogOptions,
    stores: readonly Store[],
    written: readonly SideName[],
    locks: readonly WriterLock[],
  ) {
    this.#path = options.path
    this.#rawTopics = options.rawTopics ?? isRaw
    this.#maxBatchBytes = Math.min(options.maxBatchBytes ?? defaultMaxBatchBytes, defaultMaxBatchBytes)
    this.#locks = locks
    this.#onCleanFault = options.onCleanFault ?? (() => undefined)
    const [raw, derived] = sideNames.map(
      (name, index) => new Side(name, stores[index]!, written.includes(name), () => this.news.announce()),
    )
    this.#sides = { raw: raw!, derived: derived! }
    const others = this.#list().filter((side) => !side.writes)
    this.news = new PolledNews(
      () => others.reduce((sum, { store }) => sum + store.commitCount(), 0),
      others.map(({ store }) => store.file),
    )
    const { tombstoneMs = dayMs, compactionBytes = 4 * 1024 * 1024, cleanIntervalMs = 30_000 } = options
    this.#cleaners = this.#list()
      .filter((side) => side.writes)
      .map((side) => new Cleaner(side, { tombstoneMs, compactionBytes }))
    if (this.#cleaners.length > 0 && cleanIntervalMs > 0) {
      this.#timer = setInterval(() => void this.#cleanByItself(), cleanIntervalMs).unref()
    }
  }

  async prepare(): Promise<void> {
    for (const side of this.#list()) if (side.writes) await side.prepare()
  }

  async createTopics(topics: readonly TopicSettings[]): Promise<void> {
    this.checkOpen()
    const missing: TopicSettings[] = []
    for (const settings of topics) {
      checkTopicSettings(settings)
      const existing = this.#lookUp(settings.topic)
      if (existing === null) missing.push(settings)
      else checkSameSettings(existing.topic.settings, settings)
    }
    const ofSide = (side: Side) => missing.filter(({ topic }) => this.#rawTopics(topic) === (side.name === 'raw'))
    for (const side of this.#list()) for (const { topic } of ofSide(side)) this.#checkWrites(side, topic)
    for (const side of this.#list()) if (ofSide(side).length > 0) await side.createTopics(ofSide(side))
  }

  async setRetention(topic: string, { retentionMs, retentionBytes }: Retention): Promise<void> {
    this.checkOpen()
    const { side, topic: known } = this.#find(topic)
    this.#checkWrites(side, topic)
    checkTopicSettings({ ...known.settings, retentionMs, retentionBytes })
    await side.setRetention(topic, { retentionMs, retentionBytes })
  }

  async describeTopics(): Promise<TopicDescription[]> {
    this.checkOpen()
    return this.#list().flatMap((side) => {
      side.catalog.refresh()
      return [...side.catalog.topics.values()].map((topic) => ({
        ...topic.settings,
        offsets: Array.from({ length: topic.settings.partitions }, (_, partition) => side.offsets(topic, partition)),
      }))
    })
  }

  async deleteTopic(name: string): Promise<void> {
    this.checkOpen()
    const found = this.#lookUp(name)
    if (found === null) return
    this.#checkWrites(found.side, name)
    await found.side.deleteTopic(name)
    this.news.announce()
    await this.#cleaners[
      this.#list()
        .filter((side) => side.writes)
        .indexOf(found.side)
    ]!.run(false)
  }

  async clean(): Promise<void> {
    this.checkOpen()
    if (this.#cleaners.length === 0)
      throw new LogError('read_only', `the log in ${this.#path} is open for reading only`)
    for (const cleaner of this.#cleaners) await cleaner.run(true)
  }

  async #cleanByItself(): Promise<void> {
    for (const cleaner of this.#cleaners) {
      try {
        await cleaner.run(false)
      } catch (error) {
        if (!this.closed) this.#onCleanFault(storeFault(error, this.#path, 'cleaning'))
      }
    }
  }

  async registerSchema(topic: string, schema: object): Promise<number> {
    this.checkOpen()
    const { side } = this.#find(topic)
    const text = JSON.stringify(schema)
    for (const { catalog, writes } of this.#list()) {
      if (!writes) catalog.refresh()
      const known = catalog.schemaId(text)
      if (known !== undefined) return known
    }
    this.#checkWrites(side, topic)
    return side.registerSchema(text)
  }

  async schema(id: number): Promise<object> {
    this.checkOpen()
    for (const { catalog, writes } of this.#list()) {
      if (!writes) catalog.refresh()
      const text = catalog.schema(id)
      if (text !== undefined) return JSON.parse(text) as object
    }
    throw new LogError('unknown_schema', `the log in ${this.#path} has no schema with the id ${id}`)
  }

  async producer(options: ProducerOptions = {}): Promise<Producer> {
    this.checkOpen()
    if (this.#locks.length === 0) {
      throw new LogError('read_only', `the log in ${this.#path} is open for reading only`)
    }
    return new EmbeddedProducer(this, options.transactionalId)
  }

  async reader(options?: ReaderOptions): Promise<Reader> {
    this.checkOpen()
    return new PartitionReader(this, options)
  }

  async groupMember(options: GroupOptions): Promise<GroupMember> {
    this.checkOpen()
    return this.#coordinator.join(options)
  }

  async committed(group: string): Promise<CommittedOffset[]> {
    this.checkOpen()
    return committedOffsets(this.#sides.derived.store, group, (id) => this.#byId(id))
  }

  async deleteGroup(group: string): Promise<void> {
    this.checkOpen()
    const { derived } = this.#sides
    this.#checkWrites(derived, `offsets of group ${group}`)
    await derived.queue.submit(() => ({ changes: removeGroup(derived.store, group), result: undefined }))
  }

  async offsetForTime(topic: string, partition: number, timestamp: number): Promise<number> {
    this.checkOpen()
    const found = this.#findPartition({ topic, partition })
    return found.side.offsetForTime(found.topic, partition, timestamp)
  }

  async append(batches: readonly PartitionBatch[], check: () => void): Promise<number[]> {
    this.#checkBatches(batches)
    const bases = new Array<number>(batches.length).fill(0)
    const parts = this.#list().map(async (side) => {
      const chosen = batches.flatMap((batch, index) => (this.#find(batch.topic).side === side ? [index] : []))
      if (chosen.length === 0) return
      const appended = await side.queue.submit(() => {
        check()
        const { changes, bases } = side.append(chosen.map((index) => this.#topicBatch(batches[index]!)))
        return { changes, result: bases }
      })
      for (const [part, index] of chosen.entries()) bases[index] = appended[part]!
    })
    const failed = (await Promise.allSettled(parts)).find((part) => part.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return bases
  }

  async commit({ batches, group, offsets }: Transaction, check: () => void): Promise<void> {
    const { derived } = this.#sides
    checkGroupName(group)
    this.#checkWrites(derived, `offsets of group ${group}`)
    this.#checkBatches(batches)
    for (const offset of offsets) {
      this.#findPartition(offset)
      checkCommittedOffset(offset)
    }
    const raw = batches.find(({ topic }) => this.#find(topic).side !== derived)
    if (raw !== undefined) {
      throw new LogError('invalid', `topic ${raw.topic} is a raw one: transactions are for derived topics`)
    }
    await derived.queue.submit(() => {
      check()
      const appended = batches.map((batch) => this.#topicBatch(batch))
      const committed = writeOffsets(group, offsets, (topic) => this.#find(topic).topic.id)
      return { changes: [...derived.append(appended).changes, ...committed], result: undefined }
    })
  }

  takeEpoch(transactionalId: string): number {
    const epoch = this.epoch(transactionalId) + 1
    this.#epochs.set(transactionalId, epoch)
    return epoch
  }

  epoch(transactionalId: string): number {
    return this.#epochs.get(transactionalId) ?? 0
  }

  offsets(at: TopicPartition): PartitionOffsets {
    const { side, topic } = this.#findPartition(at)
    return side.offsets(topic, at.partition)
  }

  batchFrom(at: TopicPartition, offset: number): RecordBatch | null {
    const { side, topic } = this.#findPartition(at)
    return side.batchFrom(topic, at.partition, offset)
  }

  checkOpen(): void {
    if (this.closed) throw new LogError('closed', `the log in ${this.#path} is closed`)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.closed = true
    clearInterval(this.#timer)
    this.news.stop()
    this.news.announce()
    for (const cleaner of this.#cleaners) await cleaner.stop()
    for (const side of this.#list()) {
      await side.idle()
      await side.store.close()
    }
    for (const lock of this.#locks) lock.release()
  }

  #checkBatches(batches: readonly PartitionBatch[]): void {
    for (const { topic: name, partition, batch } of batches) {
      const { side, topic } = this.#findPartition({ topic: name, partition })
      this.#checkWrites(side, name)
      checkBatch(name, batch, this.#maxBatchBytes, topic.settings.cleanup === 'compact')
    }
  }

  #topicBatch({ topic, partition, batch }: PartitionBatch): TopicBatch {
    return { topic: this.#find(topic).topic, partition, batch }
  }

  #list(): Side[] {
    return [this.#sides.raw, this.#sides.derived]
  }

  #lookUp(name: string): { side: Side; topic: StoredTopic } | null {
    for (const side of this.#list()) {
      const topic = side.topic(name)
      if (topic !== undefined) return { side, topic }
    }
    return null
  }

  #find(name: string): { side: Side; topic: StoredTopic } {
    const found = this.#lookUp(name)
    if (found === null) throw new LogError('unknown_topic', `there is no topic ${name}`)
    return found
  }

  #findPartition({ topic: name, partition }: TopicPartition): { side: Side; topic: StoredTopic } {
    const found = this.#find(name)
    if (Number.isInteger(partition) && partition >= 0 && partition < found.topic.settings.partitions) return found
    throw new LogError('unknown_topic', `topic ${name} has no partition ${partition}`)
  }

  #byId(id: number): StoredTopic | undefined {
    for (const { catalog, writes } of this.#list()) {
      if (!writes) catalog.refresh()
      const topic = catalog.byId.get(id)
      if (topic !== undefined) return topic
    }
    return undefined
  }

  #checkWrites(side: Side, what: string): void {
    if (side.writes) return
    throw new LogError(
      'read_only',
      `${what}: this opener of the log in ${this.#path} does not write the ${side.name} side`,
    )
  }
}

function isRaw(topic: string): boolean {
  const known = Object.entries(catalogue).find(([name]) => name === topic)?.[1]
  return known?.writer === 'collector'
}
