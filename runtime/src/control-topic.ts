import { BatchBuilder, type Log, LogError, type Producer, type Reader } from '@syscribe/log'
import type { Generations, KindRecord, ProjectionStanding, ReplayRequest, TopicKind } from '@syscribe/schemas'
import type { Logger } from 'pino'
import { firstGenerations } from './generations.js'
import { ownCodec } from './own-codec.js'
import { ReadableSchemas } from './readable-schema.js'
import { topicSettings } from './topic-settings.js'

/** What the control topic says: the newest record of each key. */
export interface ControlState {
  readonly generations: Generations
  /** By part. */
  readonly standings: ReadonlyMap<string, ProjectionStanding>
  /** By part. */
  readonly requests: ReadonlyMap<string, ReplayRequest>
}

/** Decides which generations count. */
export interface GenerationsWriter {
  /** What the log said when it began. */
  readonly generations: Generations
  /** @throws LogError `fenced` when another one has begun */
  write(generations: Generations): Promise<void>
  close(): Promise<void>
}

const topic = 'control'
const place = { topic, partition: 0 } as const
const writerName = 'replay/generations'
const pollMs = 1_000
const retryMs = 1_000

/** Follows the topic on which the processes of one log agree about generations and replays. */
export class ControlTopic {
  readonly #log: Log
  readonly #logger: Logger
  readonly #schemaId: number
  readonly #schemas: ReadableSchemas
  readonly #standings = new Map<string, ProjectionStanding>()
  readonly #requests = new Map<string, ReplayRequest>()
  readonly #closing = new AbortController()
  readonly #waiting = new Set<() => void>()
  #generations = firstGenerations
  #next = 0
  #reader: Reader | null = null
  #producer: Promise<Producer> | null = null
  #following: Promise<void> = Promise.resolve()

  private constructor(log: Log, schemaId: number, logger: Logger) {
    this.#log = log
    this.#schemaId = schemaId
    this.#schemas = new ReadableSchemas(log)
    this.#logger = logger
  }

  /**
   * Reads what it says now and follows it until `close`. Makes the topic where there is none.
   * @throws LogError
   */
  static async open(log: Log, logger: Logger): Promise<ControlTopic> {
    const settings = topicSettings({ retentionBytes: null, retentionMs: null })
    await log.createTopics(settings.filter((one) => one.topic === topic))
    const control = new ControlTopic(log, await log.registerSchema(topic, ownCodec(topic).schema), logger)
    await control.#readToEnd()
    control.#following = control.#follow()
    return control
  }

  /** What it says now, without a change to the log. @throws LogError */
  static async read(log: Log, logger: Logger): Promise<ControlState> {
    const control = new ControlTopic(log, 0, logger)
    await control.#readToEnd()
    await control.close()
    return control.state
  }

  get state(): ControlState {
    return { generations: this.#generations, standings: this.#standings, requests: this.#requests }
  }

  /** Resolves when the state has changed, after `waitMs`, or when `signal` is aborted. */
  changed(waitMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const over = () => {
        clearTimeout(timer)
        this.#waiting.delete(over)
        signal?.removeEventListener('abort', over)
        resolve()
      }
      const timer = setTimeout(over, waitMs)
      this.#waiting.add(over)
      signal?.addEventListener('abort', over)
      if (signal?.aborted || this.#closing.signal.aborted) over()
    })
  }

  /** Says where a projection stands. @throws LogError */
  stand(standing: ProjectionStanding): Promise<void> {
    return this.#append('ProjectionStanding', standing, `projection/${standing.part}`)
  }

  /** Asks for a replay. @throws LogError */
  request(request: ReplayRequest): Promise<void> {
    return this.#append('ReplayRequest', request, `request/${request.part}`)
  }

  /** For the one who replays processors. Whoever did so before writes no more. @throws LogError */
  async generationsWriter(): Promise<GenerationsWriter> {
    const producer = await this.#log.producer({ transactionalId: writerName })
    try {
      // Fences an older holder, so that what is read next is its last word.
      await producer.committed(writerName)
      const { generations } = await ControlTopic.read(this.#log, this.#logger)
      return {
        generations,
        write: (next) =>
          producer.commit({
            batches: [{ ...place, batch: this.#batch('Generations', next, 'generations') }],
            group: writerName,
            offsets: [{ ...place, offset: 0, metadata: '' }],
          }),
        close: () => producer.close(),
      }
    } catch (error) {
      await producer.close()
      throw error
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#announce()
    await this.#following
    await this.#reader?.close()
    await (await this.#producer?.catch(() => null))?.close()
  }

  async #append<K extends TopicKind<'control'>>(kind: K, value: KindRecord<K>, key: string): Promise<void> {
    this.#producer ??= this.#log.producer()
    await (await this.#producer).append([{ ...place, batch: this.#batch(kind, value, key) }])
  }

  #batch<K extends TopicKind<'control'>>(kind: K, value: KindRecord<K>, key: string) {
    const builder = new BatchBuilder(this.#schemaId, 1024)
    builder.append({ timestamp: Date.now(), key: Buffer.from(key), value: ownCodec(topic).encode(kind, value) })
    return builder.take()
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        await this.#poll(pollMs)
      } catch (error) {
        if (signal.aborted || (error instanceof LogError && error.code === 'closed')) return
        this.#logger.warn({ err: error }, 'the control topic cannot be read; it is tried again')
        await this.#reader?.close().catch(() => {})
        this.#reader = null
        await pause(retryMs, signal)
      }
    }
  }

  async #readToEnd(): Promise<void> {
    try {
      const end = (await this.#log.describeTopics()).find((one) => one.topic === topic)?.offsets[0]?.end ?? 0
      // A broker may be late with its answer; other engines give at once what there is.
      const late = this.#log.engine === 'kafka'
      while (this.#next < end && ((await this.#poll(late ? pollMs : 0)) || late));
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Takes what is there or comes in time; returns whether there was something. */
  async #poll(waitMs: number): Promise<boolean> {
    if (this.#reader === null) {
      const reader = await this.#log.reader()
      await reader.assign([{ ...place, offset: this.#next === 0 ? 'earliest' : this.#next }])
      this.#reader = reader
    }
    const fetched = await this.#reader.poll({ waitMs, signal: this.#closing.signal })
    for (const { batch, nextOffset } of fetched) {
      const { codec, fault } = await this.#schemas.load(topic, batch.schemaId)
      if (fault !== null) this.#logger.error({ fault }, 'a record of the control topic cannot be read')
      for (const { offset, value } of batch) {
        if (offset >= this.#next && value !== null && fault === null) this.#take(codec.decode(value))
      }
      this.#next = nextOffset
    }
    if (fetched.length > 0) this.#announce()
    return fetched.length > 0
  }

  #take({ kind, value }: { kind: string; value: unknown }): void {
    if (kind === 'Generations') this.#generations = value as Generations
    else if (kind === 'ProjectionStanding') {
      const standing = value as ProjectionStanding
      this.#standings.set(standing.part, standing)
    } else if (kind === 'ReplayRequest') {
      const request = value as ReplayRequest
      this.#requests.set(request.part, request)
    }
  }

  #announce(): void {
    for (const over of [...this.#waiting]) over()
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', over)
      resolve()
    }
    const timer = setTimeout(over, ms)
    signal.addEventListener('abort', over)
    if (signal.aborted) over()
  })
}
