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
} from '@syscribe/log'
import { stateTopicName } from './state-topic.js'

/** Other names in the log for what parts know by their own names. */
export interface LogNames {
  /** Topics. */
  topics: ReadonlyMap<string, string>
  /** Processors: their consumer groups, transactional ids and state topics are named after them. */
  parts: ReadonlyMap<string, string>
}

/**
 * A log in which topics, and the processors that write them, go by other names. What a renamed topic's own name stands
 * for in `log` is out of sight. So a part runs unchanged on another derivation of its inputs, into another of its outputs.
 */
export class RenamedLog implements Log {
  readonly engine: Log['engine']
  readonly #log: Log
  readonly #parts: ReadonlyMap<string, string>
  /** To the names of `log`, and back. */
  readonly #inside = new Map<string, string>()
  readonly #outside = new Map<string, string>()

  constructor(log: Log, { topics, parts }: LogNames) {
    this.engine = log.engine
    this.#log = log
    this.#parts = parts
    for (const [topic, name] of topics) this.#inside.set(topic, name)
    for (const [part, name] of parts) this.#inside.set(stateTopicName(part), stateTopicName(name))
    for (const [topic, name] of this.#inside) this.#outside.set(name, topic)
  }

  createTopics(topics: readonly TopicSettings[]): Promise<void> {
    return this.#log.createTopics(topics.map((settings) => this.#in(settings)))
  }
  setRetention(topic: string, retention: Retention): Promise<void> {
    return this.#log.setRetention(this.#topic(topic), retention)
  }
  async describeTopics(): Promise<TopicDescription[]> {
    return this.#out(await this.#log.describeTopics())
  }
  deleteTopic(topic: string): Promise<void> {
    return this.#log.deleteTopic(this.#topic(topic))
  }
  clean(): Promise<void> {
    return this.#log.clean()
  }
  registerSchema(topic: string, schema: object): Promise<number> {
    return this.#log.registerSchema(this.#topic(topic), schema)
  }
  schema(id: number): Promise<object> {
    return this.#log.schema(id)
  }
  async producer(options: ProducerOptions = {}): Promise<Producer> {
    const { transactionalId } = options
    const producer = await this.#log.producer(
      transactionalId === undefined ? options : { ...options, transactionalId: this.#transactionalId(transactionalId) },
    )
    return {
      append: (batches) => producer.append(batches.map((batch) => this.#in(batch))),
      commit: ({ batches, group, offsets }) =>
        producer.commit({
          batches: batches.map((batch) => this.#in(batch)),
          group: this.#group(group),
          offsets: offsets.map((offset) => this.#in(offset)),
        }),
      committed: async (group) => this.#out(await producer.committed(this.#group(group))),
      close: () => producer.close(),
    }
  }
  async reader(options?: ReaderOptions): Promise<Reader> {
    const reader = await this.#log.reader(options)
    const { news } = reader
    return {
      ...(news && {
        news: ({ only, ...rest }) =>
          news.call(reader, { ...rest, ...(only && { only: only.map((at) => this.#in(at)) }) }),
      }),
      assign: (positions) => reader.assign(positions.map((position) => this.#in(position))),
      poll: async (poll = {}) => {
        const { only, ...rest } = poll
        return this.#out(await reader.poll({ ...rest, ...(only && { only: only.map((at) => this.#in(at)) }) }))
      },
      close: () => reader.close(),
    }
  }
  groupMember(options: GroupOptions): Promise<GroupMember> {
    return this.#log.groupMember({
      group: this.#group(options.group),
      topics: options.topics.map((topic) => this.#topic(topic)),
      onAssignment: (assigned) => options.onAssignment(this.#out(assigned)),
      onFailure: (error) => options.onFailure?.(error),
    })
  }
  async committed(group: string): Promise<CommittedOffset[]> {
    return this.#out(await this.#log.committed(this.#group(group)))
  }
  deleteGroup(group: string): Promise<void> {
    return this.#log.deleteGroup(this.#group(group))
  }
  offsetForTime(topic: string, partition: number, timestamp: number): Promise<number> {
    return this.#log.offsetForTime(this.#topic(topic), partition, timestamp)
  }
  /** Does nothing: the log belongs to who opened it. */
  async close(): Promise<void> {}

  #topic(topic: string): string {
    return this.#inside.get(topic) ?? topic
  }
  #in<T extends { readonly topic: string }>(at: T): T {
    const topic = this.#inside.get(at.topic)
    return topic === undefined ? at : { ...at, topic }
  }
  /** Without those whose names here mean something else. */
  #out<T extends { readonly topic: string }>(all: readonly T[]): T[] {
    return all.flatMap((at) => {
      const topic = this.#outside.get(at.topic)
      if (topic !== undefined) return [{ ...at, topic }]
      return this.#inside.has(at.topic) ? [] : [at]
    })
  }
  #group(group: string): string {
    return this.#parts.get(group) ?? group
  }
  #transactionalId(id: string): string {
    const end = id.lastIndexOf('/')
    const part = end < 0 ? undefined : this.#parts.get(id.slice(0, end))
    return part === undefined ? id : part + id.slice(end)
  }
}
