import { byTopic } from '../by-topic.js'
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
    write: (to) =>
      to
        .nullableString(transactionalId)
        .int16(-1)
        .int32(timeoutMs)
        .array(byTopic(parts), ({ topic, items }) =>
          to.string(topic).array(items, ({ partition, records }) => to.int32(partition).data(records)),
        ),
    read: (from) =>
      from
        .array(() => {
          const topic = from.string()
          return from.array(() => {
            const result = { topic, partition: from.int32(), code: from.int16(), baseOffset: from.int64() }
            from.int64()
            from.int64()
            return result
          })
        })
        .flat(),
  }
}
