import { BatchBuilder, type Log, type PartitionBatch } from '@syscribe/log'
import type { Logger } from 'pino'
import type { InputPartition } from './input-partition.js'
import type { Metric } from './metrics.js'
import { ownCodec } from './own-codec.js'

/** A larger record is named, not kept: a batch has its limit too, and the topic may have a smaller one. */
const maxValueBytes = 4 * 1024 * 1024
/** What a letter has beside its value, its error and its names: at most, bytes. */
const fieldsBytes = 512

/** Records a part could not take, on their way to the topic `dead-letters`. */
export class DeadLetters {
  readonly #part: string
  readonly #codec = ownCodec('dead-letters')
  readonly #builder: BatchBuilder
  readonly #logger: Logger
  readonly #counter: Metric
  readonly #maxBytes: number

  private constructor(part: string, schemaId: number, maxBytes: number, logger: Logger, counter: Metric) {
    this.#part = part
    this.#maxBytes = maxBytes
    this.#builder = new BatchBuilder(schemaId, 1024)
    this.#logger = logger
    this.#counter = counter
  }

  static async open(log: Log, part: string, logger: Logger, counter: Metric): Promise<DeadLetters> {
    const schemaId = await log.registerSchema('dead-letters', ownCodec('dead-letters').schema)
    const topic = (await log.describeTopics()).find(({ topic }) => topic === 'dead-letters')
    const maxBytes = topic?.maxRecordBytes ?? Number.POSITIVE_INFINITY
    return new DeadLetters(part, schemaId, maxBytes, logger, counter)
  }

  /** Takes note of the head of `input`, with why it could not be taken. */
  add(input: InputPartition, fault: unknown, muted: boolean): void {
    if (muted) return
    const { topic, partition, offset, timestamp, key } = input
    const whole = input.class === 'tombstone' ? null : input.value
    const said = faultText(fault)
    const around = fieldsBytes + this.#part.length * 2 + said.length * 3 + (key?.length ?? 0)
    const tooLarge = (bytes: number) => bytes > maxValueBytes || bytes + around > this.#maxBytes
    const value = whole !== null && tooLarge(whole.length) ? null : whole
    const error = said + (value === whole ? '' : ` (its ${whole?.length} bytes are not kept here)`)
    const letter = { part: this.#part, topic, partition, offset, error, key, value }
    this.#builder.append({
      timestamp,
      key: Buffer.from(this.#part),
      value: this.#codec.encode('DeadLetter', letter),
    })
    this.#counter.add(1)
    this.#logger.warn({ topic, partition, offset, error }, 'a record could not be taken; it is in dead-letters')
  }

  /** There are some to commit. */
  get waiting(): boolean {
    return this.#builder.count > 0
  }

  take(): PartitionBatch[] {
    if (this.#builder.count === 0) return []
    return [{ topic: 'dead-letters', partition: 0, batch: this.#builder.take() }]
  }
}

/** A fault in words, with its code where it has one. */
export function faultText(fault: unknown): string {
  if (!(fault instanceof Error)) return String(fault)
  const code = (fault as { code?: unknown }).code
  return typeof code === 'string' ? `${code}: ${fault.message}` : `${fault.name}: ${fault.message}`
}
