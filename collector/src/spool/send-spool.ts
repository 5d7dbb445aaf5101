import { type Log, LogError, type PartitionBatch, type Producer, type Transaction } from '@syscribe/log'
import { TopicCodec, type TopicName } from '@syscribe/schemas'
import type { Logger } from 'pino'
import { type LossPlace, leaveOutTooLarge } from './leave-out.js'
import { readPosition, writePosition } from './sent-metadata.js'
import type { Spool, SpooledRounds } from './spool.js'

/** Bytes of one transaction, softly: many small ones cost the brokers more than a few large ones. */
const transactionBytes = 2 * 1024 ** 2
/** How long to wait before brokers that were away are tried again, milliseconds. */
const retryMs = 500
/** Times that a transaction is tried with less in it when it is too large for the brokers. */
const smallerAttempts = 30
/** Faults of the log that no second attempt mends. */
const fatalCodes = new Set([
  'record_too_large',
  'fenced',
  'topic_mismatch',
  'invalid',
  'corrupt',
  'read_only',
  'locked',
])

export interface SpoolSenderOptions {
  spool: Spool
  /** Name of this host: the transactional id is `collector/<host>`, so that an older sender of it is fenced. */
  host: string
  /** Reaches the brokers and makes sure of the topics; called again after each fault. Closed by the sender. */
  open: () => Promise<Log>
  logger: Logger
  /** Records lost since the start, by cause: written down with the position, for whoever looks at the cluster. */
  lost?: () => Readonly<Record<string, number>>
}

export interface SpoolSender {
  /** Rejects when the log can never take what waits. Never resolves. */
  readonly failed: Promise<never>
  /** Whether the brokers took what was last sent. */
  readonly connected: boolean
  /** Records sent since the start. */
  readonly sentRecords: number
  readonly sentBytes: number
  /** Records left out since the start: too large for the brokers. Loss records stand for them. */
  readonly lostRecords: number
  /** Times that the brokers could not be reached, or refused. */
  readonly faults: number
  /**
   * Sends what waits, and ends. Resolves with the bytes that are left: 0, or more when the brokers are away. They are
   * sent at the next start.
   */
  stop(): Promise<number>
}

/**
 * Sends the spool's rounds in order, each set in one transaction with its position in the spool: whatever dies at whatever
 * time, each is in the log once.
 */
export function sendSpool(options: SpoolSenderOptions): SpoolSender {
  const sender = new Sender(options)
  return sender
}

class Sender implements SpoolSender {
  readonly failed: Promise<never>
  connected = false
  sentRecords = 0
  sentBytes = 0
  lostRecords = 0
  faults = 0
  readonly #options: SpoolSenderOptions
  readonly #running: Promise<void>
  #log: Log | null = null
  #producer: Producer | null = null
  #stopping = false
  #wake: (() => void) | undefined
  readonly #schemaIds = new Map<object, number>()

  constructor(options: SpoolSenderOptions) {
    this.#options = options
    this.#running = this.#run()
    this.failed = new Promise((_, reject) => this.#running.catch(reject))
    this.failed.catch(() => {})
  }

  async stop(): Promise<number> {
    this.#stopping = true
    this.#wake?.()
    await this.#running
    return this.#options.spool.waitingBytes
  }

  async #run(): Promise<void> {
    const { spool, logger } = this.#options
    try {
      for (;;) {
        try {
          await this.#send()
          return
        } catch (error) {
          this.faults++
          await this.#disconnect()
          if (!(error instanceof LogError) || fatalCodes.has(error.code)) throw error
          if (this.connected || this.faults === 1) {
            logger.warn({ code: error.code, err: error }, 'the brokers take no records; they wait in the spool')
          }
          this.connected = false
          spool.durable = true
          if (this.#stopping) return
          await this.#pause()
        }
      }
    } finally {
      await this.#disconnect()
    }
  }

  /** Sends until it is to stop and nothing waits. */
  async #send(): Promise<void> {
    const { spool, host, logger } = this.#options
    const group = `collector/${host}`
    this.#log = await this.#options.open()
    this.#producer = await this.#log.producer({ transactionalId: group })
    let position = spool.resumeAt(readPosition(await this.#producer.committed(group)))
    if (!this.connected) logger.info({ waitingBytes: spool.waitingBytes }, 'the brokers take records')
    this.connected = true
    spool.durable = false
    for (;;) {
      const rounds = spool.read(position, transactionBytes)
      if (rounds === undefined) {
        if (this.#stopping) return
        await Promise.race([spool.news(position), new Promise<void>((resolve) => (this.#wake = resolve))])
        continue
      }
      await this.#setSchemas(rounds)
      const { batches, next } = rounds
      const sent = await this.#commit(batches, () => {
        const notes = { at: Date.now(), waitingBytes: spool.bytesFrom(next), lost: this.#lost() }
        return { group, offsets: [writePosition({ spool: spool.id, position: next, notes })] }
      })
      for (const { batch } of sent) {
        this.sentRecords += batch.count
        this.sentBytes += batch.byteLength
      }
      spool.release(next)
      position = next
    }
  }

  /** With what is too large for the brokers left out, so that the rest goes on. Returns what is in the log. */
  async #commit(
    all: readonly PartitionBatch[],
    position: () => Omit<Transaction, 'batches'>,
  ): Promise<readonly PartitionBatch[]> {
    let batches = all
    for (let attempt = 1; ; attempt++) {
      try {
        await (this.#producer as Producer).commit({ batches, ...position() })
        return batches
      } catch (error) {
        const tooLarge = error instanceof LogError && error.code === 'record_too_large'
        if (!tooLarge || attempt === smallerAttempts) throw error
        // Nothing left out: it was a batch of several, and the log sends smaller ones from now on.
        const smaller = await this.#leaveOut(batches)
        if (smaller.records > 0) {
          this.lostRecords += smaller.records
          const { records, bytes } = smaller
          this.#options.logger.error({ err: error, records, bytes }, 'records too large for the brokers are lost')
        }
        batches = smaller.batches
      }
    }
  }

  async #leaveOut(batches: readonly PartitionBatch[]) {
    const log = this.#log as Log
    const topics = new Map((await log.describeTopics()).map(({ topic, maxRecordBytes }) => [topic, maxRecordBytes]))
    const codec = new TopicCodec('syscalls')
    const schemas = new Map([...this.#schemaIds].map(([schema, id]) => [id, schema]))
    return leaveOutTooLarge(batches, {
      maxRecordBytes: (topic) => topics.get(topic) ?? Number.POSITIVE_INFINITY,
      placeOf: (topic, schemaId, value) => placeOf(topic, schemas.get(schemaId), value),
      encodeLoss: (loss) => codec.encode('CaptureLoss', loss),
      lossSchemaId: await log.registerSchema('syscalls', codec.schema),
    })
  }

  #lost(): Readonly<Record<string, number>> {
    const lost = this.#options.lost?.() ?? {}
    return this.lostRecords === 0 ? lost : { ...lost, other: (lost.other ?? 0) + this.lostRecords }
  }

  /** The spool knows schemas by its own ids: those of the log stand in what is sent. */
  async #setSchemas({ batches, schemas }: SpooledRounds): Promise<void> {
    for (const { batch } of batches) {
      const { topic, schema } = schemas[batch.schemaId - 1] as SpooledRounds['schemas'][number]
      let id = this.#schemaIds.get(schema)
      if (id === undefined) {
        id = await (this.#log as Log).registerSchema(topic, schema)
        this.#schemaIds.set(schema, id)
      }
      batch.schemaId = id
    }
  }

  async #disconnect(): Promise<void> {
    const [producer, log] = [this.#producer, this.#log]
    this.#producer = null
    this.#log = null
    await producer?.close().catch(() => {})
    await log?.close().catch(() => {})
  }

  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      setTimeout(resolve, retryMs)
    })
  }
}

/** Null where an older version, or another one, wrote what cannot be read here. */
function placeOf(topic: string, schema: object | undefined, value: Buffer): LossPlace | null {
  try {
    const codec = new TopicCodec(topic as TopicName, schema as ConstructorParameters<typeof TopicCodec>[1])
    const { host, boot, time, timeNanos } = codec.decode(value).value as LossPlace
    return { host, boot, time, timeNanos }
  } catch {
    return null
  }
}
