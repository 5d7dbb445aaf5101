import { LogError } from '../errors.js'
import type { PartitionOffsets, ReadPosition, Retention, TopicDescription, TopicSettings } from '../log.js'
import { checkSameSettings, checkTopicSettings } from '../topic-settings.js'
import type { Cluster } from './client/cluster.js'
import { checkCode, faultOf, KafkaFault, logError } from './client/fault.js'
import {
  alterConfigsRequest,
  createTopicsRequest,
  deleteTopicRequest,
  describeConfigsRequest,
  logDirsRequest,
} from './client/requests/admin.js'
import { earliest, latest, listOffsetsRequest, type OffsetQuestion } from './client/requests/offsets.js'
import { type Patience, persist } from './client/retry.js'
import type { Settings } from './options.js'

/** What the engine keeps for itself, under the prefix too: no topics of the log. */
export const ownTopics = { schemas: 'schemas', metadata: 'offsets-metadata' } as const
const ownNames = new Set<string>(Object.values(ownTopics))

export interface KnownTopic {
  settings: TopicSettings
  /** A larger Kafka batch is refused (`max.message.bytes`). */
  maxMessageBytes: number
  /** Nor is one of several records larger than this: the broker has refused such. */
  packBytes: number
}

/** What a batch of one record has beside its key and value, and the frame of the value: at most. */
const recordOverheadBytes = 128

const configNames = ['cleanup.policy', 'retention.ms', 'retention.bytes', 'max.message.bytes'] as const
/** Long.MAX: hosts' clocks may be wrong, and 4.0 brokers refuse records more than an hour ahead of their own. */
const noLimitMs = '9223372036854775807'
const topicExists = 36
const unknownTopic = 3
const invalidConfig = 40

/** The topics of a cluster under one prefix. */
export class Topics {
  readonly #cluster: Cluster
  readonly #settings: Settings
  readonly #patience: () => Patience
  readonly #known = new Map<string, Promise<KnownTopic>>()
  /** What brokers have refused though their settings allow it: bytes of a batch of one record, and of one of several. */
  readonly #refused = new Map<string, { alone: number; packed: number }>()

  constructor(cluster: Cluster, settings: Settings, patience: () => Patience) {
    this.#cluster = cluster
    this.#settings = settings
    this.#patience = patience
  }

  /** The name in the cluster. */
  physical(topic: string): string {
    return this.#settings.prefix + topic
  }

  /** The bare name, or null for a topic that is not the log's. */
  logical(physical: string): string | null {
    const { prefix } = this.#settings
    if (!physical.startsWith(prefix)) return null
    const name = physical.slice(prefix.length)
    return ownNames.has(name) ? null : name
  }

  /** Its settings, as last seen. @throws LogError `unknown_topic`, `unavailable` */
  known(topic: string): Promise<KnownTopic> {
    const before = this.#known.get(topic)
    if (before !== undefined) return before
    const looking = this.#look(topic)
    this.#known.set(topic, looking)
    looking.catch(() => this.#known.delete(topic))
    return looking
  }

  /** To be looked up again: it may have been deleted. */
  forget(topic: string): void {
    this.#known.delete(topic)
    this.#cluster.forgetTopic(this.physical(topic))
  }

  /** A batch was too large for the broker. Its settings are looked up again; where they do not tell why, it is kept in mind. */
  refused(topic: string, bytes: number, records: number): void {
    const before = this.#refused.get(topic) ?? { alone: Number.POSITIVE_INFINITY, packed: Number.POSITIVE_INFINITY }
    const now = records === 1 ? { ...before, alone: bytes - 1 } : { ...before, packed: Math.floor(bytes / 2) }
    this.#refused.set(topic, now)
    this.#known.delete(topic)
  }

  #limits(topic: string, configured: number): Pick<KnownTopic, 'maxMessageBytes' | 'packBytes'> {
    const { alone, packed } = this.#refused.get(topic) ?? { alone: configured, packed: configured }
    if (alone < configured || packed * 2 <= configured) {
      return { maxMessageBytes: Math.min(alone, configured), packBytes: Math.min(packed, configured) }
    }
    // What is set says it all, and may be set otherwise again.
    this.#refused.delete(topic)
    return { maxMessageBytes: configured, packBytes: configured }
  }

  /** @throws LogError `unknown_topic` for a topic or a partition that is not there */
  async checkPartition(topic: string, partition: number): Promise<KnownTopic> {
    const known = await this.known(topic)
    if (Number.isInteger(partition) && partition >= 0 && partition < known.settings.partitions) return known
    throw new LogError('unknown_topic', `topic ${topic} has no partition ${partition}`)
  }

  async #look(topic: string): Promise<KnownTopic> {
    if (!isTopicName(topic)) throw new LogError('unknown_topic', `there is no topic ${topic}`)
    const [known] = await this.#describe([topic])
    if (known === undefined) throw new LogError('unknown_topic', `there is no topic ${topic}`)
    return known
  }

  /** Those that exist, in the order asked for. */
  async #describe(topics: readonly string[]): Promise<KnownTopic[]> {
    const names = topics.map((topic) => this.physical(topic))
    const attempt = async () => {
      const metadata = await this.#cluster.metadata(names)
      const partitions = new Map<string, number>()
      for (const { topic, code, leaders } of metadata.topics) {
        if (code === 0) partitions.set(topic, leaders.length)
        else if (code !== unknownTopic) checkCode(code, `topic ${topic}`)
      }
      const there = names.filter((name) => partitions.has(name))
      if (there.length === 0) return []
      const configs = await this.#cluster.send({ any: true }, describeConfigsRequest(there, configNames))
      return there.flatMap((name) => {
        const found = configs.find(({ topic }) => topic === name)
        if (found === undefined || found.code === unknownTopic) return []
        checkCode(found.code, `settings of topic ${name}`)
        const topic = name.slice(this.#settings.prefix.length)
        const configured = Number(found.config.get('max.message.bytes') ?? -1)
        const settings = settingsOf(topic, partitions.get(name)!, found.config)
        return [{ settings, ...this.#limits(topic, configured) }]
      })
    }
    return persist(this.#patience(), attempt).catch((error) => {
      throw logError(error, `topics ${topics.join(', ')}`)
    })
  }

  async create(topics: readonly TopicSettings[]): Promise<void> {
    for (const settings of topics) {
      checkTopicSettings(settings)
      if (ownNames.has(settings.topic)) {
        throw new LogError('invalid', `topic ${settings.topic}: the engine keeps a topic of this name for itself`)
      }
    }
    await this.createChecked(topics)
  }

  /** As `create`, for the engine's own topics too. */
  async createChecked(topics: readonly TopicSettings[]): Promise<void> {
    if (topics.length === 0) return
    const existing = new Map(
      (await this.#describe(topics.map(({ topic }) => topic))).map((known) => [known.settings.topic, known]),
    )
    for (const wanted of topics) {
      const known = existing.get(wanted.topic)
      if (known !== undefined) checkSameSettings(known.settings, wanted)
    }
    const missing = topics.filter(({ topic }) => !existing.has(topic))
    if (missing.length === 0) return
    try {
      await this.#make(missing, true)
      await this.#await(missing)
    } catch (error) {
      throw logError(error, `creating topics ${missing.map(({ topic }) => topic).join(', ')}`)
    }
  }

  async #make(missing: readonly TopicSettings[], anyTime: boolean): Promise<void> {
    const wanted = missing.map((settings) => ({
      topic: this.physical(settings.topic),
      partitions: settings.partitions,
      replication: this.#settings.replication,
      config: {
        ...configOf(settings),
        'max.message.bytes': String(this.#settings.maxMessageBytes),
        ...(anyTime ? { 'message.timestamp.after.max.ms': noLimitMs } : {}),
      },
    }))
    const results = await this.#cluster.ask({ controller: true }, createTopicsRequest(wanted), this.#patience())
    const fault = results.find(({ code }) => code !== 0 && code !== topicExists)
    // Brokers before 3.6 do not know the setting, nor refuse records for being ahead.
    if (fault?.code === invalidConfig && anyTime) return this.#make(missing, false)
    if (fault !== undefined) checkCode(fault.code, `topic ${fault.topic}`, fault.message)
    const raced = missing.filter(({ topic }) =>
      results.some((result) => result.code === topicExists && result.topic === this.physical(topic)),
    )
    for (const { settings } of await this.#describe(raced.map(({ topic }) => topic))) {
      checkSameSettings(settings, raced.find(({ topic }) => topic === settings.topic)!)
    }
  }

  /** Until every partition has a leader. */
  async #await(topics: readonly TopicSettings[]): Promise<void> {
    const names = topics.map(({ topic }) => this.physical(topic))
    await persist(this.#patience(), async () => {
      const metadata = await this.#cluster.metadata(names)
      for (const settings of topics) {
        const found = metadata.topics.find(({ topic }) => topic === this.physical(settings.topic))
        checkCode(found?.code ?? unknownTopic, `topic ${settings.topic}`)
        if (found!.leaders.length < settings.partitions || found!.leaders.some((leader) => leader < 0)) {
          throw new KafkaFault('LEADER_NOT_AVAILABLE', `topic ${settings.topic} has no leader yet`)
        }
      }
    })
  }

  async setRetention(topic: string, retention: Retention): Promise<void> {
    const known = await this.known(topic)
    const settings = { ...known.settings, retentionMs: retention.retentionMs, retentionBytes: retention.retentionBytes }
    checkTopicSettings(settings)
    const { 'retention.ms': ms, 'retention.bytes': bytes } = configOf(settings)
    const change = alterConfigsRequest(this.physical(topic), { 'retention.ms': ms, 'retention.bytes': bytes })
    try {
      await this.#cluster.ask({ controller: true }, change, this.#patience())
      this.forget(topic)
      // The broker that answers questions about it hears of the change a moment later.
      await persist(this.#patience(), async () => {
        const [now] = await this.#describe([topic])
        const differs =
          now?.settings.retentionMs !== settings.retentionMs || now.settings.retentionBytes !== settings.retentionBytes
        if (now !== undefined && differs) throw new KafkaFault('NOT_CONTROLLER', 'the change is not to be seen yet')
      })
    } catch (error) {
      throw logError(error, `topic ${topic}`)
    }
  }

  async remove(topic: string): Promise<void> {
    if (!isTopicName(topic)) return
    const name = this.physical(topic)
    try {
      const { code } = await persist(this.#patience(), async () => {
        const result = await this.#cluster.send({ controller: true }, deleteTopicRequest(name))
        if (result.code !== 0 && result.code !== unknownTopic) checkCode(result.code, `topic ${topic}`)
        return result
      })
      this.forget(topic)
      if (code === unknownTopic) return
      await persist(this.#patience(), async () => {
        const { topics } = await this.#cluster.metadata([name])
        if (topics[0]?.code !== unknownTopic) throw faultOf(5, `topic ${topic} is being deleted`)
      })
    } catch (error) {
      throw logError(error, `deleting topic ${topic}`)
    }
  }

  /** Which of these exist, by the names they have in the cluster. @throws KafkaFault */
  async existing(physical: readonly string[]): Promise<Set<string>> {
    const { topics } = await persist(this.#patience(), () => this.#cluster.metadata([...new Set(physical)]))
    return new Set(topics.flatMap(({ topic, code }) => (code === 0 ? [topic] : [])))
  }

  /** Names of all topics of the log. */
  async names(): Promise<string[]> {
    const { topics } = await persist(this.#patience(), () => this.#cluster.metadata(null))
    return topics.flatMap(({ topic, internal }) => {
      const name = internal ? null : this.logical(topic)
      return name === null ? [] : [name]
    })
  }

  async describe(): Promise<TopicDescription[]> {
    try {
      const known = await this.#describe(await this.names())
      for (const one of known) this.#known.set(one.settings.topic, Promise.resolve(one))
      const [starts, ends, sizes] = await Promise.all([
        this.#offsets(known, earliest),
        this.#offsets(known, latest),
        this.#sizes(known),
      ])
      return known.flatMap(({ settings, maxMessageBytes }) => {
        const offsets: PartitionOffsets[] = []
        for (let partition = 0; partition < settings.partitions; partition++) {
          const key = `${settings.topic}/${partition}`
          const [start, end] = [starts.get(key), ends.get(key)]
          // Deleted in the meantime.
          if (start === undefined || end === undefined) return []
          offsets.push({ partition, start, end, bytes: sizes.get(key) ?? 0 })
        }
        return [{ ...settings, offsets, maxRecordBytes: maxMessageBytes - recordOverheadBytes }]
      })
    } catch (error) {
      throw logError(error, 'describing topics')
    }
  }

  /**
   * Offset of a partition at a time, or the end of it.
   * @throws LogError `unknown_topic`, `unavailable`
   */
  async offsetAt(topic: string, partition: number, timestamp: number): Promise<number> {
    await this.checkPartition(topic, partition)
    const ask = async (at: number) => {
      const place = { topic: this.physical(topic), partition }
      const [answer] = await this.#cluster.send(place, listOffsetsRequest([{ ...place, timestamp: at }]))
      checkCode(answer!.code, `topic ${topic} partition ${partition}`)
      return answer!.offset
    }
    try {
      const found = await persist(this.#patience(), () => ask(timestamp))
      if (timestamp < 0) return found
      const end = await persist(this.#patience(), () => ask(latest))
      return found < 0 ? end : Math.min(found, end)
    } catch (error) {
      this.forget(topic)
      throw logError(error, `offsets of topic ${topic} partition ${partition}`)
    }
  }

  /**
   * Offsets of positions; `earliest` and `latest` as of now.
   * @throws LogError `unknown_topic`, `unavailable`
   */
  async resolve(positions: readonly ReadPosition[]): Promise<number[]> {
    for (const { topic, partition } of positions) await this.checkPartition(topic, partition)
    const questions = positions.flatMap(({ topic, partition, offset }) =>
      typeof offset === 'number'
        ? []
        : [{ topic: this.physical(topic), partition, timestamp: offset === 'earliest' ? earliest : latest }],
    )
    const found = await this.#ask(questions).catch((error) => {
      throw logError(error, 'offsets')
    })
    return positions.map(({ topic, partition, offset }) => {
      if (typeof offset === 'number') return offset
      const at = found.get(`${topic}/${partition}`)
      if (at !== undefined) return at
      this.forget(topic)
      throw new LogError('unknown_topic', `there is no topic ${topic} any more`)
    })
  }

  #offsets(topics: readonly KnownTopic[], timestamp: number): Promise<Map<string, number>> {
    return this.#ask(
      topics.flatMap(({ settings: { topic, partitions } }) =>
        Array.from({ length: partitions }, (_, partition) => ({ topic: this.physical(topic), partition, timestamp })),
      ),
    )
  }

  /** Answers by bare topic and partition; none for what is no longer there. One request for each broker. */
  async #ask(all: readonly OffsetQuestion[]): Promise<Map<string, number>> {
    const found = new Map<string, number>()
    if (all.length === 0) return found
    await persist(this.#patience(), async () => {
      const byLeader = new Map<number, OffsetQuestion[]>()
      for (const question of all) {
        try {
          const leader = await this.#cluster.leader(question.topic, question.partition)
          byLeader.set(leader, [...(byLeader.get(leader) ?? []), question])
        } catch (error) {
          if (!(error instanceof KafkaFault && error.type === 'UNKNOWN_TOPIC_OR_PARTITION')) throw error
        }
      }
      await Promise.all(
        [...byLeader].map(async ([broker, questions]) => {
          for (const answer of await this.#cluster.send({ broker }, listOffsetsRequest(questions))) {
            if (answer.code !== 0) this.#cluster.forgetTopic(answer.topic)
            if (answer.code === unknownTopic) continue
            checkCode(answer.code, `topic ${answer.topic} partition ${answer.partition}`)
            found.set(`${answer.topic.slice(this.#settings.prefix.length)}/${answer.partition}`, answer.offset)
          }
        }),
      )
    })
    return found
  }

  async #sizes(topics: readonly KnownTopic[]): Promise<Map<string, number>> {
    const sizes = new Map<string, number>()
    if (topics.length === 0) return sizes
    const wanted = topics.map(({ settings: { topic, partitions } }) => ({
      topic: this.physical(topic),
      partitions: Array.from({ length: partitions }, (_, partition) => partition),
    }))
    await persist(this.#patience(), async () => {
      const { brokers } = await this.#cluster.metadata([])
      for (const { id } of brokers) {
        for (const { topic, partition, bytes } of await this.#cluster.send({ broker: id }, logDirsRequest(wanted))) {
          const key = `${topic.slice(this.#settings.prefix.length)}/${partition}`
          sizes.set(key, Math.max(bytes, sizes.get(key) ?? 0))
        }
      }
    })
    return sizes
  }
}

function isTopicName(topic: string): boolean {
  return /^[a-zA-Z0-9._-]{1,249}$/.test(topic)
}

function configOf({ cleanup, retentionMs, retentionBytes }: TopicSettings) {
  return {
    'cleanup.policy': cleanup,
    'retention.ms': String(retentionMs ?? -1),
    'retention.bytes': String(retentionBytes ?? -1),
  }
}

function settingsOf(topic: string, partitions: number, config: ReadonlyMap<string, string | null>): TopicSettings {
  const number = (name: (typeof configNames)[number]) => Number(config.get(name) ?? -1)
  const limit = (value: number) => (value < 0 ? null : value)
  return {
    topic,
    partitions,
    cleanup: config.get('cleanup.policy')?.includes('compact') ? 'compact' : 'delete',
    retentionMs: limit(number('retention.ms')),
    retentionBytes: limit(number('retention.bytes')),
  }
}
