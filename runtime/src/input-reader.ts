import { type FetchedBatch, type Log, LogError, type Reader } from '@syscribe/log'
import type { TopicName } from '@syscribe/schemas'
import type { Logger } from 'pino'
import type { InputPartition } from './input-partition.js'
import type { Metric } from './metrics.js'
import type { ReadableSchemas } from './readable-schema.js'
import type { Stage } from './stage.js'
import { logEnds } from './stage-loop.js'

/** Fills input partitions from the log, each with no more than a bounded number of bytes ahead. */
export class InputReader {
  readonly #log: Log
  readonly #reader: Reader
  readonly #inputs: Map<string, InputPartition>
  readonly #schemas: ReadableSchemas
  readonly #aheadBytes: number
  readonly #logger: Logger
  readonly #expired: Metric

  private constructor(reader: Reader, options: InputReaderOptions) {
    this.#log = options.log
    this.#reader = reader
    this.#inputs = new Map(options.inputs.map((input) => [nameOf(input), input]))
    this.#schemas = options.schemas
    this.#aheadBytes = options.aheadBytes
    this.#logger = options.logger
    this.#expired = options.expired
  }

  static async open(options: InputReaderOptions): Promise<InputReader> {
    const reader = await options.log.reader({ maxBytes: options.aheadBytes, ahead: true })
    const opened = new InputReader(reader, options)
    await opened.#assign()
    return opened
  }

  /** One poll for the inputs that have room. Returns the number of batches. */
  async fill(): Promise<number> {
    const wanted = this.#wanted()
    if (wanted.length === 0) return 0
    let fetched: FetchedBatch[]
    try {
      fetched = await this.#reader.poll(wanted.length === this.#inputs.size ? {} : { only: wanted })
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'offset_out_of_range') throw error
      await this.#passOverExpired()
      return 1
    }
    for (const batch of fetched) {
      const topic = batch.topic as TopicName
      const id = batch.batch.schemaId
      const schema = this.#schemas.get(topic, id) ?? (await this.#schemas.load(topic, id))
      ;(this.#inputs.get(nameOf(batch)) as InputPartition).push(batch, schema)
    }
    return fetched.length
  }

  /**
   * After a `fill` that gave nothing: whether the log holds nothing more of the inputs that have room. A broker's answer
   * may only have been late.
   */
  async exhausted(): Promise<boolean> {
    if (this.#log.engine !== 'kafka') return true
    const ends = await logEnds(this.#log)
    return this.#wanted().every((input) => input.fetchedTo >= (ends.get(nameOf(input)) ?? 0))
  }

  /** As `Stage.news`. */
  get news(): Stage['news'] {
    const reader = this.#reader
    const { news } = reader
    if (news === undefined) return null
    return (options) => {
      const wanted = this.#wanted()
      return news.call(reader, wanted.length === this.#inputs.size ? options : { ...options, only: wanted })
    }
  }

  close(): Promise<void> {
    return this.#reader.close()
  }

  #wanted(): InputPartition[] {
    return [...this.#inputs.values()].filter((input) => !input.atLimit && input.waitingBytes < this.#aheadBytes)
  }

  async #assign(): Promise<void> {
    const positions = [...this.#inputs.values()].map(({ topic, partition, readFrom }) => ({
      topic,
      partition,
      offset: readFrom,
    }))
    await this.#reader.assign(positions)
  }

  /** Retention was faster than we are: go on with the oldest records kept, and say how many are gone. */
  async #passOverExpired(): Promise<void> {
    for (const description of await this.#log.describeTopics()) {
      for (const { partition, start } of description.offsets) {
        const input = this.#inputs.get(nameOf({ topic: description.topic, partition }))
        if (input === undefined || input.readFrom >= start) continue
        const records = start - input.readFrom
        this.#expired.add(records)
        this.#logger.error(
          { topic: input.topic, partition, records },
          'records were removed by retention before they were read',
        )
        input.seek(start)
      }
    }
    // What waited is fetched again.
    for (const input of this.#inputs.values()) input.seek(input.readFrom)
    await this.#assign()
  }
}

export interface InputReaderOptions {
  log: Log
  inputs: readonly InputPartition[]
  schemas: ReadableSchemas
  /** Bytes fetched ahead for each input, softly. */
  aheadBytes: number
  logger: Logger
  expired: Metric
}

function nameOf(at: { topic: string; partition: number }): string {
  return `${at.topic}/${at.partition}`
}
