import { readPartitions, writePartitions } from '../partitions.js'
import type { WireRequest } from '../wire.js'

export interface ProducePart {
  topic: string
  partition: number
  /** One record batch of magic 2. */
  records: Buffer
}

export interface ProduceResult {
  topic: string
  partition: number
  code: number
  baseOffset: number
}

/** Appends a batch to each of some partitions that one broker leads; answered when all in-sync replicas have them. */
export function produceRequest(
  transactionalId: string | null,
  parts: readonly ProducePart[],
  timeoutMs: number,
): WireRequest<ProduceResult[]> {
  return {
    name: 'Produce',
    apiKey: 0,
    apiVersion: 7,
    oldest: 5,
    write: (to) => {
      to.nullableString(transactionalId).int16(-1).int32(timeoutMs)
      writePartitions(to, parts, ({ records }) => to.data(records))
    },
    read: (from) =>
      readPartitions(from, (topic, partition) => {
        const result = { topic, partition, code: from.int16(), baseOffset: from.int64() }
        from.int64()
        from.int64()
        return result
      }),
  }
}
