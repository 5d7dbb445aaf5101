import { BatchBuilder, type LogRecord, type PartitionBatch } from '@syscribe/log'
import type { KindRecord } from '@syscribe/schemas'

/** Whose record is missing, and since when: what a loss record tells beside its counts. */
export type LossPlace = Pick<KindRecord<'CaptureLoss'>, 'host' | 'boot' | 'time' | 'timeNanos'>

export interface LeaveOutOptions {
  /** The largest record that a topic takes, bytes of key and value. */
  maxRecordBytes: (topic: string) => number
  /** Null where the record does not tell. */
  placeOf: (topic: string, schemaId: number, value: Buffer) => LossPlace | null
  /** Bytes of a loss record. */
  encodeLoss: (loss: KindRecord<'CaptureLoss'>) => Buffer
  /** Of loss records, in `syscalls`. */
  lossSchemaId: number
}

export interface LeftOut {
  batches: PartitionBatch[]
  records: number
  /** Of their values. */
  bytes: number
}

/**
 * Leaves out the records that are too large for their topic. Where one was, a loss record follows in the first partition
 * of `syscalls`: before the watermark that passes it.
 */
export function leaveOutTooLarge(batches: readonly PartitionBatch[], options: LeaveOutOptions): LeftOut {
  const left: LeftOut = { batches: [], records: 0, bytes: 0 }
  for (const at of batches) {
    const { topic, partition, batch } = at
    const limit = options.maxRecordBytes(topic)
    const records = [...batch]
    const large = records.filter((record) => bytesOf(record) > limit)
    if (large.length === 0) {
      left.batches.push(at)
      continue
    }
    const kept = new BatchBuilder(batch.schemaId)
    for (const record of records) if (bytesOf(record) <= limit) kept.append(record)
    if (kept.count > 0) left.batches.push({ topic, partition, batch: kept.take() })
    for (const { value, timestamp } of large) {
      left.records++
      left.bytes += value?.length ?? 0
      const place = value === null ? null : options.placeOf(topic, batch.schemaId, value)
      if (place === null) continue
      const loss = options.encodeLoss({ ...place, cause: 'other', records: 1, bytes: value?.length ?? 0 })
      const builder = new BatchBuilder(options.lossSchemaId)
      builder.append({ timestamp, key: Buffer.from(place.host), value: loss })
      left.batches.push({ topic: 'syscalls', partition: 0, batch: builder.take() })
    }
  }
  return left
}

function bytesOf({ key, value }: LogRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0)
}
