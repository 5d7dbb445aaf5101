import type { TopicSettings } from './log.js'

/** A stored batch as retention sees it. */
export interface StoredBatch {
  bytes: number
  maxTimestamp: number
}

/**
 * How many of a partition's oldest batches may go. The newest batch always stays.
 * @param batches all of them or the oldest ones, oldest first
 * @param newest highest timestamp of the partition, ms
 * @param total bytes of the partition, those of `batches` included
 * @param count how many batches the partition has
 */
export function expiredBatches(
  settings: Pick<TopicSettings, 'retentionMs' | 'retentionBytes'>,
  batches: Iterable<StoredBatch>,
  newest: number,
  total: number,
  count: number,
): number {
  const { retentionMs, retentionBytes } = settings
  if (retentionMs === null && retentionBytes === null) return 0
  let expired = 0
  let left = total
  for (const { bytes, maxTimestamp } of batches) {
    const tooOld = retentionMs !== null && maxTimestamp < newest - retentionMs
    const tooMuch = retentionBytes !== null && left > retentionBytes
    if (expired >= count - 1 || (!tooOld && !tooMuch)) break
    left -= bytes
    expired++
  }
  return expired
}
