import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from './client/cluster.js'
import { faultOf, KafkaFault } from './client/fault.js'
import { type ProduceResult, produceRequest } from './client/requests/produce.js'
import type { ProducerIdentity } from './client/requests/transactions.js'
import type { Patience } from './client/retry.js'
import { type EncodedBatch, stamp } from './encode-batches.js'

/** Kafka batches of one partition, to be appended in this order. */
export interface PartitionLoad {
  /** As the cluster calls it. */
  topic: string
  partition: number
  batches: readonly EncodedBatch[]
}

export interface LoadResult {
  /** Offset of the first record of each batch that was appended. */
  bases: number[]
  /** Why the rest was not. */
  fault: unknown
  /** It may have been appended none the less: no answer came. */
  doubtful: boolean
}

interface Going extends LoadResult {
  load: PartitionLoad
  /** Since when the cluster has said that there is no such topic, on the clock of performance.now(). */
  unknownSince: number | null
}

/** A topic that has just been made is not known to every broker at once. */
const unknownForMs = 3000

const produceTimeoutMs = 15_000
const maxRequestBytes = 8 * 1024 * 1024
const duplicateSequence = 46
const longestWaitMs = 500

/**
 * Appends batches in the name of one producer, each exactly once: a batch keeps its sequence number however often it is
 * sent, and one batch of a partition is under way at a time.
 */
export class BatchSender {
  readonly #cluster: Cluster
  readonly identity: ProducerIdentity
  readonly #transactionalId: string | null
  /** Of the next record of each partition. */
  readonly #sequences = new Map<string, number>()

  constructor(cluster: Cluster, identity: ProducerIdentity, transactionalId: string | null) {
    this.#cluster = cluster
    this.identity = identity
    this.#transactionalId = transactionalId
  }

  /** One result for each load; never rejects. */
  async send(loads: readonly PartitionLoad[], patience: Patience): Promise<LoadResult[]> {
    const going: Going[] = loads.map((load) => ({
      load,
      bases: [],
      fault: null,
      doubtful: false,
      unknownSince: null,
    }))
    let waitMs = 2
    for (;;) {
      const open = going.filter(({ load, bases, fault }) => fault === null && bases.length < load.batches.length)
      if (open.length === 0) return going
      const delayed = await this.#round(open)
      if (delayed === null) {
        waitMs = 2
        continue
      }
      if (patience.signal?.aborted || performance.now() + waitMs > patience.until) {
        for (const one of open) one.fault = delayed
        return going
      }
      await sleep(waitMs, undefined, { signal: patience.signal }).catch(() => undefined)
      waitMs = Math.min(waitMs * 2, longestWaitMs)
    }
  }

  /** The next batch of each partition. Returns a fault that may pass, when there was one. */
  async #round(open: readonly Going[]): Promise<KafkaFault | null> {
    let delayed: KafkaFault | null = null
    const byLeader = new Map<number, Going[]>()
    for (const one of open) {
      try {
        const leader = await this.#cluster.leader(one.load.topic, one.load.partition)
        byLeader.set(leader, [...(byLeader.get(leader) ?? []), one])
        one.unknownSince = null
      } catch (error) {
        if (error instanceof KafkaFault && error.type === 'UNKNOWN_TOPIC_OR_PARTITION') {
          one.unknownSince ??= performance.now()
          if (performance.now() - one.unknownSince > unknownForMs) one.fault = error
          else delayed = error
        } else if (error instanceof KafkaFault && error.passes) delayed = error
        else one.fault = error
      }
    }
    await Promise.all(
      [...byLeader].map(async ([broker, all]) => {
        let bytes = 0
        const chosen = all.filter(({ load, bases }, index) => {
          bytes += load.batches[bases.length]!.bytes.length
          return index === 0 || bytes <= maxRequestBytes
        })
        delayed = (await this.#produce(broker, chosen)) ?? delayed
      }),
    )
    return delayed
  }

  async #produce(broker: number, chosen: readonly Going[]): Promise<KafkaFault | null> {
    const parts = chosen.map(({ load: { topic, partition, batches }, bases }) => {
      const batch = batches[bases.length]!
      const { producerId, epoch } = this.identity
      const sequence = this.#sequences.get(`${topic}/${partition}`) ?? 0
      stamp(batch, producerId, epoch, sequence, this.#transactionalId !== null)
      return { topic, partition, records: batch.bytes }
    })
    let results: ProduceResult[]
    try {
      results = await this.#cluster.send({ broker }, produceRequest(this.#transactionalId, parts, produceTimeoutMs))
    } catch (error) {
      for (const one of chosen) one.doubtful = true
      if (error instanceof KafkaFault && error.passes) return error
      for (const one of chosen) one.fault = error
      return null
    }
    let delayed: KafkaFault | null = null
    for (const one of chosen) {
      const { topic, partition, batches } = one.load
      const result = results.find((result) => result.topic === topic && result.partition === partition)
      const code = result?.code ?? -1
      if (code === 0 || code === duplicateSequence) {
        const key = `${topic}/${partition}`
        this.#sequences.set(key, ((this.#sequences.get(key) ?? 0) + batches[one.bases.length]!.count) % 2 ** 31)
        one.bases.push(result?.baseOffset ?? -1)
        one.doubtful = false
        continue
      }
      const fault = faultOf(code, `topic ${topic} partition ${partition}`)
      if (!fault.passes) {
        one.fault = fault
        continue
      }
      this.#cluster.forgetIfMisplaced({ topic, partition }, fault)
      // Of these, the leader may have written it down before it gave up.
      if (/TIMED_OUT|AFTER_APPEND/.test(fault.type)) one.doubtful = true
      delayed = fault
    }
    return delayed
  }
}
