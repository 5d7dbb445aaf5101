import { compactBatches, noteKeys } from '../compaction.js'
import type { TopicSettings } from '../log.js'
import type { RecordBatch } from '../record-batch.js'
import { expiredBatches } from '../retention.js'

const targetBytes = 256 * 1024

/** One partition: its batches in offset order. */
export class MemoryPartition {
  batches: RecordBatch[] = []
  start = 0
  end = 0
  bytes = 0
  newest = Number.NEGATIVE_INFINITY

  append(batch: RecordBatch): number {
    const base = this.end
    batch.baseOffset = base
    this.batches.push(batch)
    this.end += batch.count
    this.bytes += batch.byteLength
    this.newest = Math.max(this.newest, batch.maxTimestamp)
    return base
  }

  /** The batch that holds `offset` or the first after it. */
  batchFrom(offset: number): RecordBatch | null {
    let low = 0
    let high = this.batches.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.batches[middle]!.nextOffset > offset) high = middle
      else low = middle + 1
    }
    return this.batches[low] ?? null
  }

  offsetForTime(timestamp: number): number {
    for (const batch of this.batches) {
      if (batch.maxTimestamp < timestamp) continue
      for (const record of batch) if (record.timestamp >= timestamp) return record.offset
    }
    return this.end
  }

  clean(settings: TopicSettings, tombstoneMs: number): void {
    const sizes = this.batches.map(({ byteLength, maxTimestamp }) => ({ bytes: byteLength, maxTimestamp }))
    const expired = expiredBatches(settings, sizes, this.newest, this.bytes, sizes.length)
    if (expired > 0) {
      this.batches.splice(0, expired)
      this.start = this.batches[0]!.baseOffset
    }
    if (settings.cleanup === 'compact') {
      const newest = new Map<string, number>()
      for (const batch of this.batches) noteKeys(batch, newest)
      this.batches = compactBatches(this.batches, newest, this.newest - tombstoneMs, targetBytes)
    }
    this.bytes = this.batches.reduce((sum, batch) => sum + batch.byteLength, 0)
  }
}
