import { LogError } from '../errors.js'
import { checkCommittedOffset, checkGroupName } from '../local/committed-offsets.js'
import type { CommittedOffset, PartitionBatch, Producer, Transaction } from '../log.js'
import type { RecordBatch } from '../record-batch.js'
import { BatchSender, type PartitionLoad } from './batch-sender.js'
import { fencing, KafkaFault, logError } from './client/fault.js'
import {
  addOffsetsRequest,
  addPartitionsRequest,
  commitOffsetsRequest,
  endTransactionRequest,
  nobody,
  type ProducerIdentity,
  producerIdRequest,
} from './client/requests/transactions.js'
import type { Patience } from './client/retry.js'
import type { EncodedBatches } from './encode-batches.js'
import { isLong, metadataBatch, storedMetadata } from './offset-metadata.js'
import { type BatchLimits, checkBatches, encode, noteRefused, type ProducerContext } from './plain-producer.js'
import { ownTopics } from './topics.js'

interface Share extends EncodedBatches {
  topic: string
  partition: number
  /** Which of the batches asked for each input is; -1 for what the engine adds. */
  inputs: number[]
}

/**
 * One transaction after the other in the name of a transactional id. Opening takes the id over: what an older holder has
 * open is aborted before, and nothing of it can come later, so offsets read from here on are the last ones.
 */
export class TransactionalProducer implements Producer {
  readonly #context: ProducerContext
  readonly #id: string
  /** As the cluster knows it. */
  readonly #name: string
  readonly #closing = new AbortController()
  #sender: BatchSender
  /** Something may be open at the broker: the next transaction begins with a new epoch, which aborts it. */
  #unclean = false
  /** Why nothing can be done with it any more. */
  #dead: LogError | null = null
  #last: Promise<unknown> = Promise.resolve()

  private constructor(context: ProducerContext, id: string, name: string, identity: ProducerIdentity) {
    this.#context = context
    this.#id = id
    this.#name = name
    this.#sender = new BatchSender(context.cluster, identity, name)
  }

  /** @throws LogError `unavailable` */
  static async open(context: ProducerContext, id: string, signal: AbortSignal): Promise<TransactionalProducer> {
    const { prefix, transactionTimeoutMs, operationTimeoutMs } = context.settings
    const name = prefix + id
    const patience = { until: performance.now() + Math.max(operationTimeoutMs, 30_000), signal }
    try {
      const request = producerIdRequest(name, transactionTimeoutMs, nobody)
      const identity = await context.cluster.ask({ transactionalId: name }, request, patience)
      return new TransactionalProducer(context, id, name, identity)
    } catch (error) {
      throw logError(error, `taking the transactionalId ${id}`)
    }
  }

  append(batches: readonly PartitionBatch[]): Promise<number[]> {
    return this.#inTurn(async () => {
      const limits = await checkBatches(this.#context, batches)
      return this.#transact(batches, limits, '', [])
    })
  }

  commit({ batches, group, offsets }: Transaction): Promise<void> {
    return this.#inTurn(async () => {
      checkGroupName(group)
      const limits = await checkBatches(this.#context, batches)
      for (const offset of offsets) {
        await this.#context.topics.checkPartition(offset.topic, offset.partition)
        checkCommittedOffset(offset)
      }
      await this.#transact(batches, limits, group, offsets)
    })
  }

  committed(group: string): Promise<CommittedOffset[]> {
    return this.#inTurn(() => this.#context.committed(group))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#last.catch(() => undefined)
    this.#context.onClose(this)
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#check()
    const turn = this.#last.then(
      () => this.#begin(work),
      () => this.#begin(work),
    )
    this.#last = turn
    return turn
  }

  #begin<T>(work: () => Promise<T>): Promise<T> {
    this.#check()
    if (this.#dead !== null) throw this.#dead
    return work()
  }

  #check(): void {
    if (this.#closing.signal.aborted) throw new LogError('closed', 'the producer is closed')
    this.#context.checkOpen()
  }

  async #transact(
    batches: readonly PartitionBatch[],
    limits: readonly BatchLimits[],
    group: string,
    offsets: readonly CommittedOffset[],
  ): Promise<number[]> {
    if (batches.length === 0 && offsets.length === 0) return []
    const { settings } = this.#context
    const patience = { until: performance.now() + settings.deliveryTimeoutMs, signal: this.#closing.signal }
    const long = offsets.filter(({ metadata }) => isLong(metadata))
    const extra = await this.#longMetadata(group, long)
    const shares = this.#shares([...batches, ...extra.batches], [...limits, ...extra.limits])
    let ending = false
    try {
      await this.#clean(patience)
      if (shares.length > 0) await this.#addPartitions(shares, patience)
      const appended = this.#append(shares, batches.length + extra.batches.length, patience)
      const committed = this.#commitOffsets(group, offsets, patience, async () => {
        if (long.length === 0) return new Map()
        const bases = await appended
        return new Map(long.map((offset, index) => [offset, bases[batches.length + index]!]))
      })
      // Side by side; after a fault of one, what the other still does must have ended before the transaction is.
      await Promise.allSettled([appended, committed])
      const bases = await appended
      await committed
      ending = true
      await this.#end(patience)
      return bases.slice(0, batches.length)
    } catch (error) {
      throw await this.#failed(error, ending)
    }
  }

  async #longMetadata(group: string, long: readonly CommittedOffset[]) {
    if (long.length === 0) return { batches: [], limits: [] }
    const topic = ownTopics.metadata
    await this.#context.ensureMetadataTopic()
    const batches = long.map((offset) => ({ topic, partition: 0, batch: metadataBatch(group, offset, Date.now()) }))
    return { batches, limits: await checkBatches(this.#context, batches) }
  }

  #shares(batches: readonly PartitionBatch[], limits: readonly BatchLimits[]): Share[] {
    const found = new Map<string, { topic: string; partition: number; inputs: number[]; batches: RecordBatch[] }>()
    for (const [index, { topic, partition, batch }] of batches.entries()) {
      const key = `${topic}/${partition}`
      const share = found.get(key) ?? { topic, partition, inputs: [], batches: [] }
      found.set(key, share)
      share.inputs.push(index)
      share.batches.push(batch)
    }
    return [...found.values()].map(({ topic, partition, inputs, batches }) => ({
      topic,
      partition,
      inputs,
      ...encode(this.#context, topic, batches, limits[inputs[0]!]!),
    }))
  }

  /** A new epoch where the last transaction may not have ended. A newer holder of the id is not put out by it. */
  async #clean(patience: Patience): Promise<void> {
    if (!this.#unclean) return
    const { cluster, settings } = this.#context
    const request = producerIdRequest(this.#name, settings.transactionTimeoutMs, this.#sender.identity)
    const identity = await cluster.ask({ transactionalId: this.#name }, request, patience)
    this.#sender = new BatchSender(cluster, identity, this.#name)
    this.#unclean = false
  }

  async #addPartitions(shares: readonly Share[], patience: Patience): Promise<void> {
    const { cluster, topics } = this.#context
    const lists = new Map<string, number[]>()
    for (const { topic, partition } of shares) lists.set(topic, [...(lists.get(topic) ?? []), partition])
    const partitions = [...lists].map(([topic, partitions]) => ({ topic: topics.physical(topic), partitions }))
    this.#unclean = true
    await cluster.ask(
      { transactionalId: this.#name },
      addPartitionsRequest(this.#name, this.#sender.identity, partitions),
      patience,
    )
  }

  /** Returns the base offset of each batch. */
  async #append(shares: readonly Share[], count: number, patience: Patience): Promise<number[]> {
    const bases = new Array<number>(count).fill(-1)
    if (shares.length === 0) return bases
    const { topics } = this.#context
    const loads: PartitionLoad[] = shares.map(({ topic, partition, batches }) => ({
      topic: topics.physical(topic),
      partition,
      batches,
    }))
    const results = await this.#sender.send(loads, patience)
    for (const [at, { topic, starts, inputs, batches }] of shares.entries()) {
      const { fault, bases: appended } = results[at]!
      noteRefused(this.#context, topic, batches[appended.length], fault)
      if (fault !== null) {
        if (fault instanceof KafkaFault && /^UNKNOWN_TOPIC/.test(fault.type)) topics.forget(topic)
        throw fault
      }
      for (const [input, index] of inputs.entries()) {
        const { batch, index: record } = starts[input]!
        bases[index] = appended[batch]! + record
      }
    }
    return bases
  }

  async #commitOffsets(
    group: string,
    offsets: readonly CommittedOffset[],
    patience: Patience,
    findLong: () => Promise<ReadonlyMap<CommittedOffset, number>>,
  ): Promise<void> {
    if (offsets.length === 0) return
    const { cluster, settings, topics } = this.#context
    const name = settings.prefix + group
    const { identity } = this.#sender
    this.#unclean = true
    await cluster.ask({ transactionalId: this.#name }, addOffsetsRequest(this.#name, identity, name), patience)
    const long = await findLong()
    const stored = offsets.map((offset) => ({
      topic: topics.physical(offset.topic),
      partition: offset.partition,
      offset: offset.offset,
      metadata: storedMetadata(offset.metadata, long.get(offset)),
    }))
    await cluster.ask({ group: name }, commitOffsetsRequest(this.#name, identity, name, stored), patience)
  }

  /**
   * The coordinator answers once the decision is on record, before the partitions have their markers, without which
   * readers see nothing and the next transaction cannot begin. Asked again, it answers when all have them.
   */
  async #end(patience: Patience): Promise<void> {
    const request = endTransactionRequest(this.#name, this.#sender.identity, true)
    for (let time = 0; time < 2; time++) {
      await this.#context.cluster.ask({ transactionalId: this.#name }, request, patience)
    }
    this.#unclean = false
  }

  async #failed(error: unknown, ending: boolean): Promise<LogError> {
    const type = error instanceof KafkaFault ? error.type : ''
    const what = `a transaction of the transactionalId ${this.#id}`
    if (fencing.has(type)) {
      this.#dead = new LogError('fenced', `a newer producer has taken the transactionalId ${this.#id}`, {
        cause: error,
      })
      return this.#dead
    }
    if (ending && this.#unclean) {
      // It may have committed: whoever goes on must read the committed offsets first, with a producer of its own.
      const said = error instanceof Error ? error.message : String(error)
      const message = `${what} got no answer to its commit, so this producer is of no more use: ${said}`
      this.#dead = new LogError('unavailable', message, { cause: error })
      return this.#dead
    }
    // What is open holds up readers until it is aborted.
    const { operationTimeoutMs } = this.#context.settings
    const patience = { until: performance.now() + Math.min(1000, operationTimeoutMs), signal: this.#closing.signal }
    await this.#clean(patience).catch((fault) => {
      if (fault instanceof KafkaFault && fencing.has(fault.type)) {
        this.#dead = new LogError('fenced', `a newer producer has taken the transactionalId ${this.#id}`, {
          cause: fault,
        })
      }
    })
    return this.#dead ?? logError(error, what)
  }
}
