import { checkBatch } from '../check-batch.js'
import { LogError } from '../errors.js'
import type { CommittedOffset, PartitionBatch, Producer } from '../log.js'
import type { RecordBatch } from '../record-batch.js'
import { BatchSender, type LoadResult, type PartitionLoad } from './batch-sender.js'
import type { Cluster } from './client/cluster.js'
import { fencing, KafkaFault, logError, tooLarge } from './client/fault.js'
import { nobody, producerIdRequest } from './client/requests/transactions.js'
import type { Patience } from './client/retry.js'
import { type EncodedBatch, type EncodedBatches, encodeBatches } from './encode-batches.js'
import type { Settings } from './options.js'
import type { Schemas } from './schemas.js'
import type { KnownTopic, Topics } from './topics.js'

/** What producers share. */
export interface ProducerContext {
  cluster: Cluster
  topics: Topics
  schemas: Schemas
  settings: Settings
  committed(group: string): Promise<CommittedOffset[]>
  /** Makes the topic of long metadata if need be. */
  ensureMetadataTopic(): Promise<void>
  onClose(producer: Producer): void
  /** @throws LogError `closed` */
  checkOpen(): void
}

interface Call {
  batches: readonly PartitionBatch[]
  bases: number[]
  fault: unknown
  resolve(bases: number[]): void
  reject(fault: unknown): void
}

/** One partition's share of a round, in the order it was asked for. */
interface Share {
  topic: string
  partition: number
  inputs: RecordBatch[]
  /** Whose each input is, and which of its batches. */
  owners: { call: Call; index: number }[]
  limits: BatchLimits
}

/** What a Kafka batch of several records holds at most, bytes. */
const targetBytes = 1_000_000
/** What calls that came meanwhile may add to a round, bytes. */
const roundBytes = 4 * 1024 * 1024

/** Sequence numbers that the broker refuses though nothing is wrong here: it has lost what it knew of the producer. */
const forgotten = new Set([
  ...['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_ID_MAPPING'],
  ...fencing,
])

/** Appends in rounds: what is asked for while one is under way goes into the next, all together. */
export class PlainProducer implements Producer {
  readonly #context: ProducerContext
  readonly #calls: Call[] = []
  readonly #closing = new AbortController()
  #running: Promise<void> | undefined
  #sender: BatchSender | undefined

  constructor(context: ProducerContext) {
    this.#context = context
  }

  async append(batches: readonly PartitionBatch[]): Promise<number[]> {
    this.#check()
    if (batches.length === 0) return []
    return new Promise((resolve, reject) => {
      this.#calls.push({ batches, bases: [], fault: null, resolve, reject })
      this.#running ??= this.#run().finally(() => {
        this.#running = undefined
      })
    })
  }

  async commit(): Promise<void> {
    this.#check()
    throw new LogError('invalid', 'a producer without a transactionalId has no transactions')
  }

  async committed(group: string): Promise<CommittedOffset[]> {
    this.#check()
    return this.#context.committed(group)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
    this.#context.onClose(this)
  }

  #check(): void {
    if (this.#closing.signal.aborted) throw new LogError('closed', 'the producer is closed')
    this.#context.checkOpen()
  }

  async #run(): Promise<void> {
    while (this.#calls.length > 0) {
      const calls: Call[] = []
      for (let bytes = 0; this.#calls.length > 0 && bytes < roundBytes; ) {
        const call = this.#calls.shift()!
        calls.push(call)
        for (const { batch } of call.batches) bytes += batch.byteLength
      }
      await this.#round(calls).catch((error) => {
        for (const call of calls) call.fault ??= logError(error, 'appending')
      })
      for (const call of calls) {
        if (call.fault === null) call.resolve(call.bases)
        else if (this.#closing.signal.aborted && isUnavailable(call.fault)) {
          call.reject(new LogError('closed', 'the producer was closed before the append was answered'))
        } else call.reject(call.fault)
      }
    }
  }

  async #round(calls: readonly Call[]): Promise<void> {
    const shares = new Map<string, Share>()
    for (const call of calls) {
      try {
        const limits = await checkBatches(this.#context, call.batches)
        for (const [index, { topic, partition, batch }] of call.batches.entries()) {
          const key = `${topic}/${partition}`
          const share = shares.get(key) ?? { topic, partition, inputs: [], owners: [], limits: limits[index]! }
          shares.set(key, share)
          share.inputs.push(batch)
          share.owners.push({ call, index })
        }
      } catch (error) {
        call.fault = error
      }
    }
    const encoded = [...shares.values()].flatMap((share) => {
      try {
        return [{ share, ...encode(this.#context, share.topic, share.inputs, share.limits) }]
      } catch (error) {
        for (const { call } of share.owners) call.fault ??= error
        return []
      }
    })
    const loads = encoded.map(({ share: { topic, partition }, batches }) => ({
      topic: this.#context.topics.physical(topic),
      partition,
      batches,
    }))
    const results = await this.#send(loads)
    for (const [at, { share, batches, starts }] of encoded.entries()) {
      const { bases, fault } = results[at]!
      noteRefused(this.#context, share.topic, batches[bases.length], fault)
      for (const [input, { call, index }] of share.owners.entries()) {
        const { batch, index: record } = starts[input]!
        // Its records may go on into later batches.
        const last = starts[input + 1]?.batch ?? batches.length - 1
        if (bases.length > last) call.bases[index] = bases[batch]! + record
        else call.fault ??= this.#fault(share, fault)
      }
    }
  }

  #fault(share: Share, fault: unknown): LogError {
    const { topic, partition } = share
    if (fault instanceof KafkaFault && /^UNKNOWN_TOPIC/.test(fault.type)) this.#context.topics.forget(topic)
    return logError(fault, `appending to topic ${topic} partition ${partition}`)
  }

  async #send(loads: readonly PartitionLoad[]): Promise<LoadResult[]> {
    const { cluster, settings } = this.#context
    const patience: Patience = {
      until: performance.now() + settings.deliveryTimeoutMs,
      signal: this.#closing.signal,
    }
    const bases: number[][] = loads.map(() => [])
    for (;;) {
      this.#sender ??= new BatchSender(
        cluster,
        await cluster.ask({ any: true }, producerIdRequest(null, 0, nobody), patience),
        null,
      )
      const rest = loads.map((load, at) => ({ ...load, batches: load.batches.slice(bases[at]!.length) }))
      const results = await this.#sender.send(rest, patience)
      for (const [at, result] of results.entries()) bases[at]!.push(...result.bases)
      // Sequence numbers go on only after what has certainly been appended, or certainly not.
      if (results.some(({ doubtful }) => doubtful)) this.#sender = undefined
      const begin = results.some(
        ({ fault, doubtful }) => fault instanceof KafkaFault && forgotten.has(fault.type) && !doubtful,
      )
      if (!begin) return results.map((result, at) => ({ ...result, bases: bases[at]! }))
      this.#sender = undefined
      if (performance.now() > patience.until || patience.signal?.aborted) {
        return results.map((result, at) => ({ ...result, bases: bases[at]! }))
      }
    }
  }
}

function isUnavailable(fault: unknown): boolean {
  return fault instanceof LogError && fault.code === 'unavailable'
}

/** What the broker takes of a topic. */
export type BatchLimits = Pick<KnownTopic, 'maxMessageBytes' | 'packBytes'>

/** Limits of the broker for each batch. @throws LogError as Producer.append */
export async function checkBatches(
  context: ProducerContext,
  batches: readonly PartitionBatch[],
): Promise<BatchLimits[]> {
  const limits: BatchLimits[] = []
  for (const { topic, partition, batch } of batches) {
    const known = await context.topics.checkPartition(topic, partition)
    checkBatch(topic, batch, context.settings.maxBatchBytes, known.settings.cleanup === 'compact')
    await context.schemas.prepare(batch.schemaId)
    limits.push(known)
  }
  return limits
}

/** @throws LogError `record_too_large` */
export function encode(
  context: ProducerContext,
  topic: string,
  inputs: readonly RecordBatch[],
  { maxMessageBytes: maxBytes, packBytes }: BatchLimits,
): EncodedBatches {
  const frame = (id: number) => context.schemas.frame(id)
  const { gzip } = context.settings
  try {
    return encodeBatches(topic, inputs, { maxBytes, targetBytes: Math.min(targetBytes, packBytes), frame, gzip })
  } catch (error) {
    // The limit may have been raised since.
    context.topics.forget(topic)
    throw error
  }
}

/** Keeps in mind what was too large, so that the next attempt is another one. */
export function noteRefused(
  { topics }: ProducerContext,
  topic: string,
  batch: EncodedBatch | undefined,
  fault: unknown,
): void {
  if (!(fault instanceof KafkaFault) || !tooLarge.has(fault.type) || batch === undefined) return
  topics.refused(topic, batch.bytes.length, batch.count)
}
