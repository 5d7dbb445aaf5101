import { batchHeaderBytes, batchMagic, RecordBatch } from '../record-batch.js'

/** A batch without a record, where a reader has passed offsets that hold none: markers of transactions, aborted records. */
export function emptyBatch(offset: number): RecordBatch {
  const buffer = Buffer.alloc(batchHeaderBytes)
  buffer.writeUInt32LE(batchMagic, 0)
  buffer.writeDoubleLE(offset, 16)
  buffer.writeDoubleLE(Number.POSITIVE_INFINITY, 24)
  buffer.writeDoubleLE(Number.NEGATIVE_INFINITY, 32)
  return new RecordBatch(buffer)
}
