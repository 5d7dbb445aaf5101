import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { defaultMaxBatchBytes } from '../check-batch.js'
import { LogError } from '../errors.js'
import { checkGroupName } from '../local/committed-offsets.js'
import type {
  CommittedOffset,
  GroupMember,
  GroupOptions,
  Log,
  Producer,
  ProducerOptions,
  Reader,
  ReaderOptions,
  Retention,
  TopicDescription,
  TopicSettings,
} from '../log.js'
import { Cluster } from './client/cluster.js'
import { logError } from './client/fault.js'
import { type Patience, persist } from './client/retry.js'
import { KafkaGroupMember } from './group-membership.js'
import { GroupOffsets } from './group-offsets.js'
import { KafkaReader } from './kafka-reader.js'
import type { KafkaLogOptions, Settings } from './options.js'
import { PlainProducer, type ProducerContext } from './plain-producer.js'
import { SchemaRegistry } from './schema-registry.js'
import { SchemaTopic } from './schema-topic.js'
import type { Schemas } from './schemas.js'
import { ownTopics, Topics } from './topics.js'
import { TransactionalProducer } from './transactional-producer.js'

/** How long closing waits for answers, ms. */
const closeMs = 3000

/**
 * Opens the log on a Kafka-compatible cluster.
 * @throws LogError `unavailable` when no broker answers, `invalid` for options that cannot work
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<Log> {
  const log = new KafkaLog(options)
  try {
    await log.connect()
    return log
  } catch (error) {
    await log.close()
    throw error
  }
}

class KafkaLog implements Log {
  readonly engine = 'kafka'
  readonly #brokers: string
  readonly #settings: Settings
  readonly #cluster: Cluster
  readonly #topics: Topics
  readonly #schemas: Schemas
  readonly #offsets: GroupOffsets
  readonly #open = new Set<{ close(): Promise<void> }>()
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined

  constructor(options: KafkaLogOptions) {
    const settings = settingsOf(options)
    // Everything that waits to try again listens to it.
    setMaxListeners(0, this.#closing.signal)
    this.#brokers = options.brokers.join(', ')
    this.#settings = settings
    try {
      this.#cluster = new Cluster({
        brokers: options.brokers,
        clientId: options.clientId ?? 'syscribe',
        tls: options.tls === true ? {} : options.tls || null,
        sasl: options.sasl ?? null,
        connectTimeoutMs: 3000,
        requestTimeoutMs: options.requestTimeoutMs ?? 20_000,
      })
    } catch (error) {
      throw logError(error, 'brokers')
    }
    this.#topics = new Topics(this.#cluster, settings, () => this.#patience())
    this.#offsets = new GroupOffsets(this.#cluster, this.#topics, settings.prefix, () => this.#patience())
    const topic = new SchemaTopic({
      create: (topic) => this.#topics.createChecked([topic]),
      producer: () => this.producer(),
      reader: () => this.reader(),
      end: (topic) =>
        this.#topics.offsetAt(topic, 0, -1).catch((error: unknown) => {
          if (error instanceof LogError && error.code === 'unknown_topic') return null
          throw error
        }),
    })
    const { registry } = options
    this.#schemas =
      registry === undefined
        ? topic
        : new SchemaRegistry(registry, (name) => this.#topics.physical(name), settings.operationTimeoutMs, topic)
  }

  async connect(): Promise<void> {
    await persist(this.#patience(), () => this.#cluster.metadata([])).catch((error) => {
      throw logError(error, `Kafka at ${this.#brokers}`)
    })
  }

  async createTopics(topics: readonly TopicSettings[]): Promise<void> {
    this.#checkOpen()
    await this.#topics.create(topics)
  }

  async setRetention(topic: string, retention: Retention): Promise<void> {
    this.#checkOpen()
    await this.#topics.setRetention(topic, retention)
  }

  async describeTopics(): Promise<TopicDescription[]> {
    this.#checkOpen()
    return this.#topics.describe()
  }

  async deleteTopic(topic: string): Promise<void> {
    this.#checkOpen()
    await this.#topics.remove(topic)
  }

  /** Brokers clean by themselves, when they see fit. */
  async clean(): Promise<void> {
    this.#checkOpen()
  }

  async registerSchema(topic: string, schema: object): Promise<number> {
    this.#checkOpen()
    await this.#topics.known(topic)
    return this.#schemas.register(topic, schema)
  }

  async schema(id: number): Promise<object> {
    this.#checkOpen()
    return this.#schemas.schema(id)
  }

  async producer({ transactionalId }: ProducerOptions = {}): Promise<Producer> {
    this.#checkOpen()
    const context = this.#context()
    const producer =
      transactionalId === undefined
        ? new PlainProducer(context)
        : await TransactionalProducer.open(context, transactionalId, this.#closing.signal)
    this.#open.add(producer)
    return producer
  }

  async reader(options?: ReaderOptions): Promise<Reader> {
    this.#checkOpen()
    const reader = new KafkaReader(
      {
        cluster: this.#cluster,
        topics: this.#topics,
        settings: this.#settings,
        checkOpen: () => this.#checkOpen(),
        onClose: (closed) => this.#open.delete(closed),
      },
      options,
    )
    this.#open.add(reader)
    return reader
  }

  async groupMember(options: GroupOptions): Promise<GroupMember> {
    this.#checkOpen()
    checkGroupName(options.group)
    const context = {
      cluster: this.#cluster.apart(),
      topics: this.#topics,
      settings: this.#settings,
      onClose: (closed: GroupMember) => this.#open.delete(closed),
    }
    const member = await KafkaGroupMember.join(context, options)
    this.#open.add(member)
    return member
  }

  async committed(group: string): Promise<CommittedOffset[]> {
    this.#checkOpen()
    return this.#offsets.committed(group)
  }

  async deleteGroup(group: string): Promise<void> {
    this.#checkOpen()
    const left = await this.#offsets.remove(group, Date.now())
    if (left.length === 0) return
    const producer = await this.producer()
    await producer.append(left)
    await producer.close()
  }

  async offsetForTime(topic: string, partition: number, timestamp: number): Promise<number> {
    this.#checkOpen()
    return this.#topics.offsetAt(topic, partition, Math.max(0, timestamp))
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing.abort()
    const parts = Promise.allSettled([...this.#open].map((part) => part.close()))
    // A broker that hangs holds up what waits for its answer.
    const late = new AbortController()
    await Promise.race([parts, sleep(closeMs, undefined, { signal: late.signal }).catch(() => undefined)])
    late.abort()
    this.#cluster.close()
    await parts
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new LogError('closed', `the log at ${this.#brokers} is closed`)
  }

  #context(): ProducerContext {
    return {
      cluster: this.#cluster,
      topics: this.#topics,
      schemas: this.#schemas,
      settings: this.#settings,
      committed: (group) => this.committed(group),
      ensureMetadataTopic: () => this.#ensureMetadataTopic(),
      onClose: (producer) => this.#open.delete(producer),
      checkOpen: () => this.#checkOpen(),
    }
  }

  async #ensureMetadataTopic(): Promise<void> {
    const known = { partitions: 1, cleanup: 'compact', retentionMs: null, retentionBytes: null } as const
    this.#metadataTopic ??= this.#topics.createChecked([{ topic: ownTopics.metadata, ...known }])
    await this.#metadataTopic.catch((error) => {
      this.#metadataTopic = undefined
      throw error
    })
  }
  #metadataTopic: Promise<void> | undefined

  #patience(): Patience {
    return { until: performance.now() + this.#settings.operationTimeoutMs, signal: this.#closing.signal }
  }
}

function settingsOf(options: KafkaLogOptions): Settings {
  return {
    prefix: options.prefix ?? 'syscribe.',
    replication: options.replication ?? -1,
    gzip: options.gzip ?? false,
    deliveryTimeoutMs: options.deliveryTimeoutMs ?? 120_000,
    operationTimeoutMs: options.operationTimeoutMs ?? 10_000,
    transactionTimeoutMs: options.transactionTimeoutMs ?? 300_000,
    sessionTimeoutMs: options.sessionTimeoutMs ?? 10_000,
    rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? 60_000,
    maxBatchBytes: options.maxBatchBytes ?? defaultMaxBatchBytes,
    maxMessageBytes: options.maxMessageBytes ?? 16 * 1024 ** 2,
  }
}
