import { checkCode } from '../fault.js'
import { readPartitions, writePartitions } from '../partitions.js'
import type { WireRequest } from '../wire.js'

export interface FetchPosition {
  topic: string
  partition: number
  offset: number
}

export interface FetchedPartition {
  topic: string
  partition: number
  code: number
  /** Up to where read_committed readers can see. */
  lastStableOffset: number
  logStartOffset: number
  /** Transactions to leave out: their producer, and the first offset each has here. */
  aborted: { producerId: number; firstOffset: number }[]
  /** Record batches, the last one maybe cut off. A view into the answer. */
  records: Buffer
}

export interface FetchLimits {
  /** How long the broker waits for a first byte. */
  waitMs: number
  maxBytes: number
  maxPartitionBytes: number
}

/** Reads partitions that one broker leads, only what is committed. */
export function fetchRequest(
  positions: readonly FetchPosition[],
  { waitMs, maxBytes, maxPartitionBytes }: FetchLimits,
): WireRequest<FetchedPartition[]> {
  return {
    name: 'Fetch',
    apiKey: 1,
    apiVersion: 11,
    waitMs,
    write: (to) => {
      to.int32(-1).int32(waitMs).int32(1).int32(maxBytes).int8(1).int32(0).int32(-1)
      writePartitions(to, positions, ({ offset }) => to.int32(-1).int64(offset).int64(-1).int32(maxPartitionBytes))
      to.int32(0).string('')
    },
    read: (from) => {
      from.int32()
      checkCode(from.int16(), 'fetching')
      from.int32()
      return readPartitions(from, (topic, partition) => {
        const code = from.int16()
        from.int64()
        const [lastStableOffset, logStartOffset] = [from.int64(), from.int64()]
        const aborted = from.array(() => ({ producerId: from.int64(), firstOffset: from.int64() }))
        from.int32()
        return { topic, partition, code, lastStableOffset, logStartOffset, aborted, records: from.data() }
      })
    },
  }
}
