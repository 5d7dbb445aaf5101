import { setTimeout as sleep } from 'node:timers/promises'
import { BatchBuilder, LogError, type PartitionBatch, partitionForKey } from '@syscribe/log'
import {
  type Container,
  type ContainerHost,
  type ProcessExited,
  type ProcessSeen,
  processKeyText,
  TopicCodec,
  type Watermark,
} from '@syscribe/schemas'
import type { Logger } from 'pino'
import type { HostIdentity } from './host-identity.js'
import type { Instant, Loss, PartitionedBatch } from './native.js'
import type { RawLog, RawProducer } from './raw-log.js'

/** The topics the collector writes, in the order of its appends. */
export const collectorTopics = ['processes', 'containers', 'syscalls'] as const
type CollectorTopic = (typeof collectorTopics)[number]

/** A refused append is tried again after this time at the latest, milliseconds. */
const retryMs = 500

/** One round of what was captured, ready for the log. */
export interface Round {
  batches: readonly PartitionedBatch[]
  processes: readonly ({ kind: 'ProcessSeen'; value: ProcessSeen } | { kind: 'ProcessExited'; value: ProcessExited })[]
  losses: readonly Loss[]
  /** Absent when no container runtime is watched: then their topic is as far as the round. */
  containers?: ContainersRound | null
  /** Everything up to here is in this round or an earlier one; null: say nothing yet. */
  watermark: Instant | null
  /** Capture has ended. */
  final: boolean
}

export type ContainerNews = { kind: 'Container'; value: Container } | { kind: 'ContainerHost'; value: ContainerHost }

/** What became known of containers. */
export interface ContainersRound {
  /** In order of time. */
  records: readonly ContainerNews[]
  /** Everything known up to here is in this round or an earlier one; may be behind the round's. */
  watermark: Instant
}

/** Appends what was captured to the collector's topics, each round at once and durably. */
export class Publisher {
  readonly #producer: RawProducer
  readonly #identity: HostIdentity
  readonly #logger: Logger
  readonly #codecs = {
    syscalls: new TopicCodec('syscalls'),
    processes: new TopicCodec('processes'),
    containers: new TopicCodec('containers'),
  }
  readonly #schemaIds: Record<CollectorTopic, number>
  readonly #partitions: Record<CollectorTopic, number>

  private constructor(
    producer: RawProducer,
    identity: HostIdentity,
    logger: Logger,
    schemaIds: Record<CollectorTopic, number>,
    partitions: Record<CollectorTopic, number>,
  ) {
    this.#producer = producer
    this.#identity = identity
    this.#logger = logger
    this.#schemaIds = schemaIds
    this.#partitions = partitions
  }

  /** @throws LogError; `unknown_topic` when the collector's topics have not been created. */
  static async open(log: RawLog, identity: HostIdentity, logger: Logger): Promise<Publisher> {
    const schemaIds = {} as Record<CollectorTopic, number>
    const partitions = {} as Record<CollectorTopic, number>
    const described = new Map((await log.describeTopics()).map((topic) => [topic.topic, topic.partitions]))
    for (const topic of collectorTopics) {
      const count = described.get(topic)
      if (count === undefined) throw new LogError('unknown_topic', `the log has no topic ${topic}`)
      partitions[topic] = count
      schemaIds[topic] = await log.registerSchema(topic, new TopicCodec(topic).schema)
    }
    return new Publisher(await log.producer(), identity, logger, schemaIds, partitions)
  }

  get syscallsPartitions(): number {
    return this.#partitions.syscalls
  }
  get syscallsSchemaId(): number {
    return this.#schemaIds.syscalls
  }

  /**
   * Appends a round; while the disk is full or the broker away it waits and tries again, so that back-pressure reaches
   * the capture queue, which is bounded and counts what it drops.
   * @throws LogError when the log cannot take it for another reason.
   */
  async publish(round: Round): Promise<void> {
    const batches = [
      ...this.#processBatches(round),
      ...this.#containerBatches(round),
      ...round.batches.map(({ partition, batch }) => ({ topic: 'syscalls', partition, batch })),
      ...this.#lossBatches(round),
      ...this.#watermarkBatches(round),
    ]
    if (batches.length > 0) await this.#append(batches)
  }

  close(): Promise<void> {
    return this.#producer.close()
  }

  async #append(batches: readonly PartitionBatch[]): Promise<void> {
    for (let refused = 0; ; refused++) {
      try {
        await this.#producer.append(batches)
        if (refused > 0) this.#logger.info({ refused }, 'the log takes records again')
        return
      } catch (error) {
        if (!(error instanceof LogError) || (error.code !== 'storage_full' && error.code !== 'unavailable')) throw error
        if (refused === 0) this.#logger.error({ code: error.code, err: error }, 'the log takes no records; waiting')
        await this.#roomOrTime()
      }
    }
  }

  async #roomOrTime(): Promise<void> {
    const over = new AbortController()
    const time = sleep(retryMs, undefined, { signal: over.signal }).catch(() => {})
    await Promise.race([time, this.#producer.room?.() ?? time])
    over.abort()
  }

  #processBatches(round: Round): PartitionBatch[] {
    if (round.processes.length === 0) return []
    const builders = new Map<number, BatchBuilder>()
    for (const { kind, value } of round.processes) {
      const process = processKeyText(value)
      // One process in one partition, in order; but a key for each program it becomes and for its end, or compaction
      // would forget the environments that replay needs.
      const partition = partitionForKey(Buffer.from(process), this.#partitions.processes)
      const key = Buffer.from(kind === 'ProcessSeen' ? `${process}/${value.time}` : `${process}/exited`)
      let builder = builders.get(partition)
      if (builder === undefined) {
        builder = new BatchBuilder(this.#schemaIds.processes)
        builders.set(partition, builder)
      }
      builder.append({
        timestamp: milliseconds(value),
        key,
        value: this.#codecs.processes.encode(kind, value),
      })
    }
    return [...builders].map(([partition, builder]) => ({ topic: 'processes', partition, batch: builder.take() }))
  }

  #containerBatches({ containers }: Round): PartitionBatch[] {
    const builders = new Map<number, BatchBuilder>()
    for (const news of containers?.records ?? []) {
      const { container, key } = containerKeys(news)
      const partition = partitionForKey(Buffer.from(container), this.#partitions.containers)
      let builder = builders.get(partition)
      if (builder === undefined) {
        builder = new BatchBuilder(this.#schemaIds.containers)
        builders.set(partition, builder)
      }
      builder.append({
        timestamp: milliseconds(news.value),
        key: Buffer.from(key),
        value: this.#codecs.containers.encode(news.kind, news.value),
      })
    }
    return [...builders].map(([partition, builder]) => ({ topic: 'containers', partition, batch: builder.take() }))
  }

  /** Losses have no connection: which bytes are missing shows in the positions. They go to the first partition. */
  #lossBatches(round: Round): PartitionBatch[] {
    if (round.losses.length === 0 || round.watermark === null) return []
    const at = round.watermark
    const builder = new BatchBuilder(this.#schemaIds.syscalls)
    for (const { cause, records, bytes } of round.losses) {
      const value = { ...at, ...this.#identity, cause, records, bytes }
      builder.append({
        timestamp: milliseconds(at),
        key: Buffer.from(this.#identity.host),
        value: this.#codecs.syscalls.encode('CaptureLoss', value),
      })
    }
    return [{ topic: 'syscalls', partition: 0, batch: builder.take() }]
  }

  #watermarkBatches(round: Round): PartitionBatch[] {
    if (round.watermark === null) return []
    const captured = round.watermark
    const key = Buffer.from(`watermark/${this.#identity.host}`)
    return collectorTopics.flatMap((topic) => {
      const { time, timeNanos } = topic === 'containers' ? (round.containers?.watermark ?? captured) : captured
      const value = { time, timeNanos, ...this.#identity, final: round.final }
      return Array.from({ length: this.#partitions[topic] }, (_, partition) => {
        const builder = new BatchBuilder(this.#schemaIds[topic], 256)
        builder.append({ timestamp: milliseconds(value), key, value: watermarkOf(this.#codecs[topic], value) })
        return { topic, partition, batch: builder.take() }
      })
    })
  }
}

/** A key for each run of a container, or compaction would forget the addresses it had before. */
function containerKeys({ kind, value }: ContainerNews): { container: string; key: string } {
  const host = `${value.host}/${value.boot.toString('hex')}`
  if (kind === 'ContainerHost') return { container: host, key: host }
  const container = `${host}/${value.runtime}/${value.id}`
  return { container, key: `${container}/${value.from}` }
}

/** Timestamps of the log are whole milliseconds, rounded down as Kafka's are. */
function milliseconds(at: Instant): number {
  return Math.floor(at.time / 1000)
}

function watermarkOf<T extends CollectorTopic>(codec: TopicCodec<T>, value: Watermark): Buffer {
  return (codec as unknown as TopicCodec<'syscalls'>).encode('Watermark', value)
}
