import { BatchBuilder, type Log, type PartitionBatch } from '@syscribe/log'
import type { Logger } from 'pino'
import type { InputPartition } from './input-partition.js'
import type { Metric } from './metrics.js'
import { ownCodec } from './own-codec.js'

/** A larger record is named, not kept: a batch has its limit too. */
const maxValueBytes = 4 * 1024 * 1024

/** Records a part could not take, on their way to the topic `dead-letters`. */
export class DeadLetters {
  readonly #part: string
  readonly #codec = ownCodec('dead-letters')
  readonly #builder: BatchBuilder
  readonly #logger: Logger
  readonly #counter: Metric

  private constructor(part: string, schemaId: number, logger: Logger, counter: Metric) {
    this.#part = part
    this.#builder = new BatchBuilder(schemaId, 1024)
    this.#logger = logger
    this.#counter = counter
  }

  static async open(log: Log, part: string, logger: Logger, counter: Metric): Promise<DeadLetters> {
    const schemaId = await log.registerSchema('dead-letters', ownCodec('dead-letters').schema)
    return new DeadLetters(part, schemaId, logger, counter)
  }

  /** Takes note of the head of `input`, with why it could not be taken. */
  add(input: InputPartition, fault: unknown, muted: boolean): void {
    if (muted) return
    const { topic, partition, offset, timestamp, key } = input
    const whole = input.class === 'tombstone' ? null : input.value
    const value = whole !== null && whole.length > maxValueBytes ? null : whole
    const error = faultText(fault) + (value === whole ? '' : ` (its ${whole?.length} bytes are not kept here)`)
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
