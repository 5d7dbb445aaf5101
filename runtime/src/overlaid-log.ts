import {
  type GroupMember,
  type GroupOptions,
  type Log,
  LogError,
  type Producer,
  type ProducerOptions,
  type Reader,
  type ReaderOptions,
  type ReadPosition,
  type Retention,
  type TopicDescription,
  type TopicPartition,
  type TopicSettings,
} from '@syscribe/log'

/** Added to the ids of the upper log's schemas, so that a batch tells which log's schema it means. */
const upperSchemas = 0x4000_0000

/**
 * Two logs as one: topics that `base` has are read from it and never written; everything else lives in `upper`. So a
 * recorded log, perhaps opened read-only, can be derived from without a change to it.
 */
export class OverlaidLog implements Log {
  readonly engine: Log['engine']
  readonly #base: Log
  readonly #upper: Log
  readonly #isBase: (topic: string) => boolean
  /** Ids given out for schemas of the upper log: those of a base on brokers may be any number. */
  readonly #upperIds = new Set<number>()

  /** `isBase` names the topics taken from `base`. */
  constructor(base: Log, upper: Log, isBase: (topic: string) => boolean) {
    // Whoever reads must know that a broker may be late.
    this.engine = base.engine === 'kafka' ? base.engine : upper.engine
    this.#base = base
    this.#upper = upper
    this.#isBase = isBase
  }

  createTopics(topics: readonly TopicSettings[]): Promise<void> {
    return this.#upper.createTopics(topics.filter(({ topic }) => !this.#isBase(topic)))
  }
  async setRetention(topic: string, retention: Retention): Promise<void> {
    this.#checkWritable(topic)
    await this.#upper.setRetention(topic, retention)
  }
  async describeTopics(): Promise<TopicDescription[]> {
    const base = (await this.#base.describeTopics()).filter(({ topic }) => this.#isBase(topic))
    const upper = (await this.#upper.describeTopics()).filter(({ topic }) => !this.#isBase(topic))
    return [...base, ...upper]
  }
  async deleteTopic(topic: string): Promise<void> {
    this.#checkWritable(topic)
    await this.#upper.deleteTopic(topic)
  }
  clean(): Promise<void> {
    return this.#upper.clean()
  }
  async registerSchema(topic: string, schema: object): Promise<number> {
    this.#checkWritable(topic)
    const id = upperSchemas + (await this.#upper.registerSchema(topic, schema))
    this.#upperIds.add(id)
    return id
  }
  schema(id: number): Promise<object> {
    return this.#upperIds.has(id) ? this.#upper.schema(id - upperSchemas) : this.#base.schema(id)
  }
  async producer(options?: ProducerOptions): Promise<Producer> {
    const producer = await this.#upper.producer(options)
    return {
      append: async (batches) => {
        for (const { topic } of batches) this.#checkWritable(topic)
        return producer.append(batches)
      },
      commit: async ({ batches, group, offsets }) => {
        for (const { topic } of batches) this.#checkWritable(topic)
        // The upper log cannot keep an offset of a topic it does not have: it goes with one that stands for it.
        await producer.commit({ batches, group, offsets: offsets.map((offset) => this.#standIn(offset)) })
      },
      committed: async (group) => (await producer.committed(group)).map(standingFor),
      close: () => producer.close(),
    }
  }
  async reader(options?: ReaderOptions): Promise<Reader> {
    return new OverlaidReader(await this.#base.reader(options), await this.#upper.reader(options), this.#isBase)
  }
  groupMember(options: GroupOptions): Promise<GroupMember> {
    return (options.topics.every(this.#isBase) ? this.#base : this.#upper).groupMember(options)
  }
  async committed(group: string) {
    return (await this.#upper.committed(group)).map(standingFor)
  }
  deleteGroup(group: string): Promise<void> {
    return this.#upper.deleteGroup(group)
  }
  offsetForTime(topic: string, partition: number, timestamp: number): Promise<number> {
    return (this.#isBase(topic) ? this.#base : this.#upper).offsetForTime(topic, partition, timestamp)
  }
  /** Closes the upper log; the base belongs to who opened it. */
  close(): Promise<void> {
    return this.#upper.close()
  }

  /** The topics that stand for those of the base: empty, for their offsets to be committed in. */
  async prepare(): Promise<void> {
    const base = (await this.#base.describeTopics()).filter(({ topic }) => this.#isBase(topic))
    await this.#upper.createTopics(
      base.map((settings) => ({
        topic: standInName(settings.topic),
        partitions: settings.partitions,
        cleanup: 'delete' as const,
        retentionMs: null,
        retentionBytes: null,
      })),
    )
  }

  #standIn<T extends TopicPartition>(at: T): T {
    return this.#isBase(at.topic) ? { ...at, topic: standInName(at.topic) } : at
  }
  #checkWritable(topic: string): void {
    if (this.#isBase(topic)) throw new LogError('read_only', `topic ${topic} belongs to the log that is derived from`)
  }
}

const standInPrefix = 'offsets-of.'

function standInName(topic: string): string {
  return standInPrefix + topic
}

function standingFor<T extends TopicPartition>(at: T): T {
  return at.topic.startsWith(standInPrefix) ? { ...at, topic: at.topic.slice(standInPrefix.length) } : at
}

class OverlaidReader implements Reader {
  readonly #base: Reader
  readonly #upper: Reader
  readonly #isBase: (topic: string) => boolean

  constructor(base: Reader, upper: Reader, isBase: (topic: string) => boolean) {
    this.#base = base
    this.#upper = upper
    this.#isBase = isBase
  }

  async assign(positions: readonly ReadPosition[]): Promise<void> {
    await this.#base.assign(positions.filter(({ topic }) => this.#isBase(topic)))
    await this.#upper.assign(positions.filter(({ topic }) => !this.#isBase(topic)))
  }

  async poll(options: { waitMs?: number; only?: readonly TopicPartition[]; signal?: AbortSignal } = {}) {
    const { only, waitMs, ...rest } = options
    const side = (base: boolean) => ({
      ...rest,
      ...(only && { only: only.filter((at) => this.#isBase(at.topic) === base) }),
    })
    const fetched = [...(await this.#base.poll(side(true))), ...(await this.#upper.poll(side(false)))]
    if (fetched.length > 0 || waitMs === undefined || waitMs <= 0) return fetched
    // News of the base are waited for; those of the upper log come from the same process.
    return this.#base.poll({ ...side(true), waitMs })
  }

  async close(): Promise<void> {
    await this.#base.close()
    await this.#upper.close()
  }
}
