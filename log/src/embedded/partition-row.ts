/** What a side keeps of a partition beside its batches; 56 bytes of f64, little-endian, in this order. */
export interface PartitionRow {
  /** Retention has removed what is below. */
  start: number
  /** Offset the next record gets. */
  end: number
  /** Bytes of all batches. */
  bytes: number
  /** Highest timestamp ever, ms; -Infinity when none. */
  newest: number
  /** `newest` at the last entry of the time index. */
  indexed: number
  /** The last compaction ended here. */
  compactedTo: number
  /** Bytes of the batches below `compactedTo` after it. */
  compactedBytes: number
}

const fields = ['start', 'end', 'bytes', 'newest', 'indexed', 'compactedTo', 'compactedBytes'] as const

export function emptyPartition(): PartitionRow {
  return {
    start: 0,
    end: 0,
    bytes: 0,
    newest: Number.NEGATIVE_INFINITY,
    indexed: Number.NEGATIVE_INFINITY,
    compactedTo: 0,
    compactedBytes: 0,
  }
}

export function encodePartition(row: PartitionRow): Buffer {
  const buffer = Buffer.allocUnsafe(fields.length * 8)
  for (const [index, field] of fields.entries()) buffer.writeDoubleLE(row[field], index * 8)
  return buffer
}

export function decodePartition(buffer: Buffer): PartitionRow {
  const row = emptyPartition()
  for (const [index, field] of fields.entries()) row[field] = buffer.readDoubleLE(index * 8)
  return row
}
