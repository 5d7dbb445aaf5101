import { checkBatch, defaultMaxBatchBytes } from '../check-batch.js'
import { LogError } from '../errors.js'
import { checkCommittedOffset, checkGroupName } from '../local/committed-offsets.js'
import { GroupCoordinator } from '../local/group-coordinator.js'
import { News } from '../local/news.js'
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
} from '../log.js'
import type { RecordBatch } from '../record-batch.js'
import { checkSameSettings, checkTopicSettings } from '../topic-settings.js'
import { MemoryPartition } from './memory-partition.js'
import { MemoryProducer } from './memory-producer.js'

export interface MemoryLogOptions {
  /** Larger batches are refused. Default 15 MiB. */
  maxBatchBytes?: number
  /** How long compaction keeps tombstones: ms of record timestamp against the partition's newest. Default one day. */
  tombstoneMs?: number
}

interface MemoryTopic {
  settings: TopicSettings
  partitions: MemoryPartition[]
}

/** The reference engine: the whole interface, in memory, for tests. Nothing outlives `close`. */
export function createMemoryLog(options: MemoryLogOptions = {}): Log {
  return new MemoryLog(options)
}

export class MemoryLog implements Log, PartitionSource {
  readonly engine = 'memory'
  readonly news = new News()
  closed = false
  /** The epoch of the newest holder of each transactionalId. */
  readonly epochs = new Map<string, number>()
  readonly #maxBatchBytes: number
  readonly #tombstoneMs: number
  readonly #topics = new Map<string, MemoryTopic>()
  readonly #schemas: string[] = []
  readonly #committed = new Map<string, Map<string, CommittedOffset>>()
  readonly #coordinator = new GroupCoordinator((topic) => this.#topic(topic).partitions.length)

  constructor(options: MemoryLogOptions) {
    this.#maxBatchBytes = options.maxBatchBytes ?? defaultMaxBatchBytes
    this.#tombstoneMs = options.tombstoneMs ?? 24 * 60 * 60 * 1000
  }

  async createTopics(topics: readonly TopicSettings[]): Promise<void> {
    this.checkOpen()
    for (const settings of topics) {
      checkTopicSettings(settings)
      const existing = this.#topics.get(settings.topic)
      if (existing !== undefined) checkSameSettings(existing.settings, settings)
    }
    for (const settings of topics) {
      if (this.#topics.has(settings.topic)) continue
      const partitions = Array.from({ length: settings.partitions }, () => new MemoryPartition())
      this.#topics.set(settings.topic, { settings: { ...settings }, partitions })
    }
  }

  async setRetention(topic: string, { retentionMs, retentionBytes }: Retention): Promise<void> {
    this.checkOpen()
    const known = this.#topic(topic)
    const settings = { ...known.settings, retentionMs, retentionBytes }
    checkTopicSettings(settings)
    known.settings = settings
  }

  async describeTopics(): Promise<TopicDescription[]> {
    this.checkOpen()
    return [...this.#topics.values()].map(({ settings, partitions }) => ({
      ...settings,
      offsets: partitions.map((_, partition) => this.offsets({ topic: settings.topic, partition })),
    }))
  }

  async deleteTopic(topic: string): Promise<void> {
    this.checkOpen()
    this.#topics.delete(topic)
    for (const offsets of this.#committed.values()) {
      for (const [key, committed] of offsets) if (committed.topic === topic) offsets.delete(key)
    }
  }

  async clean(): Promise<void> {
    this.checkOpen()
    for (const { settings, partitions } of this.#topics.values()) {
      for (const partition of partitions) partition.clean(settings, this.#tombstoneMs)
    }
  }

  async registerSchema(topic: string, schema: object): Promise<number> {
    this.checkOpen()
    this.#topic(topic)
    const text = JSON.stringify(schema)
    const known = this.#schemas.indexOf(text)
    return known >= 0 ? known + 1 : this.#schemas.push(text)
  }

  async schema(id: number): Promise<object> {
    this.checkOpen()
    const text = this.#schemas[id - 1]
    if (text === undefined) throw new LogError('unknown_schema', `the log has no schema with the id ${id}`)
    return JSON.parse(text) as object
  }

  async producer(options: ProducerOptions = {}): Promise<Producer> {
    this.checkOpen()
    return new MemoryProducer(this, options.transactionalId)
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
    return [...(this.#committed.get(group)?.values() ?? [])].map((offset) => ({ ...offset }))
  }

  async deleteGroup(group: string): Promise<void> {
    this.checkOpen()
    this.#committed.delete(group)
  }

  async offsetForTime(topic: string, partition: number, timestamp: number): Promise<number> {
    this.checkOpen()
    return this.#partition({ topic, partition }).offsetForTime(timestamp)
  }

  async close(): Promise<void> {
    this.closed = true
    this.news.announce()
  }

  offsets(at: TopicPartition): PartitionOffsets {
    const { start, end, bytes } = this.#partition(at)
    return { partition: at.partition, start, end, bytes }
  }

  batchFrom(at: TopicPartition, offset: number): RecordBatch | null {
    const partition = this.#partition(at)
    if (offset < partition.start || offset > partition.end) throw outOfRange(at, offset, partition)
    return partition.batchFrom(offset)
  }

  /** Checks everything, then applies everything. */
  write(batches: readonly PartitionBatch[], group: string | null, offsets: readonly CommittedOffset[]): number[] {
    for (const { topic, partition, batch } of batches) {
      this.#partition({ topic, partition })
      checkBatch(topic, batch, this.#maxBatchBytes, this.#topic(topic).settings.cleanup === 'compact')
    }
    if (group !== null) checkGroupName(group)
    for (const offset of offsets) {
      this.#partition(offset)
      checkCommittedOffset(offset)
    }
    const bases = batches.map(({ topic, partition, batch }) => this.#partition({ topic, partition }).append(batch))
    if (group !== null && offsets.length > 0) {
      const committed = this.#committed.get(group) ?? new Map<string, CommittedOffset>()
      this.#committed.set(group, committed)
      for (const offset of offsets) committed.set(`${offset.topic}/${offset.partition}`, { ...offset })
    }
    this.news.announce()
    return bases
  }

  checkOpen(): void {
    if (this.closed) throw new LogError('closed', 'the log is closed')
  }

  #topic(topic: string): MemoryTopic {
    const found = this.#topics.get(topic)
    if (found === undefined) throw new LogError('unknown_topic', `there is no topic ${topic}`)
    return found
  }

  #partition({ topic, partition }: TopicPartition): MemoryPartition {
    const found = this.#topic(topic).partitions[partition]
    if (found === undefined) throw new LogError('unknown_topic', `topic ${topic} has no partition ${partition}`)
    return found
  }
}

function outOfRange(at: TopicPartition, offset: number, { start, end }: { start: number; end: number }): LogError {
  return new LogError(
    'offset_out_of_range',
    `offset ${offset} of ${at.topic}/${at.partition} is not among the kept ones, ${start} to ${end}`,
  )
}
