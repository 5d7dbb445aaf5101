/**
 * Keys of one side's store. They sort bytewise, so that all batches of a partition lie together in offset order.
 *
 *     1 'format'                                    format of the store, JSON
 *     2 topic name                                  settings and id, JSON
 *     3 u32 id                                      schema, JSON
 *     4 u32 topic id, u32 partition                 PartitionRow
 *     5 u32 topic id, u32 partition, u64 offset     batch, as RecordBatch says
 *     6 u32 topic id, u32 partition, i64 ms         time index: base offset, f64
 *     7 group name, 0, u32 topic id, u32 partition  committed offset, f64, and its metadata
 *     8 u32 topic id                                a deleted topic whose records are still to be removed
 */
const partitionKeyBytes = 9
const positionKeyBytes = 17

export const formatKey = Buffer.from('\x01format')
export const catalogKey = Buffer.from('\x01catalog')
export const topicsRange = { start: Buffer.from([2]), end: Buffer.from([3]) }
export const schemasRange = { start: Buffer.from([3]), end: Buffer.from([4]) }
export const partitionsRange = { start: Buffer.from([4]), end: Buffer.from([5]) }
export const deletedRange = { start: Buffer.from([8]), end: Buffer.from([9]) }

export interface KeyRange {
  /** Inclusive. */
  start: Buffer
  /** Exclusive. */
  end: Buffer
}

export function topicKey(topic: string): Buffer {
  return Buffer.concat([topicsRange.start, Buffer.from(topic)])
}

export function schemaKey(id: number): Buffer {
  return numberKey(3, id)
}

export function deletedKey(topicId: number): Buffer {
  return numberKey(8, topicId)
}

export function numberFromKey(key: Buffer): number {
  return key.readUInt32BE(1)
}

function numberKey(kind: number, number: number): Buffer {
  const key = Buffer.allocUnsafe(5)
  key[0] = kind
  key.writeUInt32BE(number, 1)
  return key
}

export function partitionKey(topicId: number, partition: number): Buffer {
  return fillPartition(Buffer.allocUnsafe(partitionKeyBytes), 4, topicId, partition)
}

export function batchKey(topicId: number, partition: number, offset: number): Buffer {
  return writeOffset(fillPartition(Buffer.allocUnsafe(positionKeyBytes), 5, topicId, partition), offset)
}

export function offsetFromBatchKey(key: Buffer): number {
  return key.readUInt32BE(9) * 0x1_0000_0000 + key.readUInt32BE(13)
}

/** Batches with a base offset from `from` to below `to`. */
export function batchRange(topicId: number, partition: number, from: number, to: number): KeyRange {
  return { start: batchKey(topicId, partition, from), end: batchKey(topicId, partition, to) }
}

/** Milliseconds since the epoch, whole, negative ones too. */
export function timeKey(topicId: number, partition: number, timestamp: number): Buffer {
  const key = fillPartition(Buffer.allocUnsafe(positionKeyBytes), 6, topicId, partition)
  const clamped = Math.max(-timeBias, Math.min(timeBias, Math.floor(timestamp)))
  return writeOffset(key, clamped + timeBias)
}

// Largest bias under which a biased time is still a whole number in a double.
const timeBias = 2 ** 52

export function timeFromKey(key: Buffer): number {
  return offsetFromBatchKey(key) - timeBias
}

export function timesRange(topicId: number, partition: number): KeyRange {
  return {
    start: fillPartition(Buffer.allocUnsafe(partitionKeyBytes), 6, topicId, partition),
    end: fillPartition(Buffer.allocUnsafe(partitionKeyBytes), 6, topicId, partition + 1),
  }
}

/** Everything of a topic of one kind of key: 4 rows, 5 batches, 6 times. */
export function topicRange(kind: 4 | 5 | 6, topicId: number): KeyRange {
  return { start: numberKey(kind, topicId), end: numberKey(kind, topicId + 1) }
}

export function groupKey(group: string, topicId: number, partition: number): Buffer {
  const place = Buffer.allocUnsafe(8)
  place.writeUInt32BE(topicId, 0)
  place.writeUInt32BE(partition, 4)
  return Buffer.concat([groupRange(group).start, place])
}

export function groupRange(group: string): KeyRange {
  const name = Buffer.from(`\x07${group}`)
  return { start: Buffer.concat([name, Buffer.from([0])]), end: Buffer.concat([name, Buffer.from([1])]) }
}

export function placeFromGroupKey(key: Buffer): { topicId: number; partition: number } {
  return { topicId: key.readUInt32BE(key.length - 8), partition: key.readUInt32BE(key.length - 4) }
}

function fillPartition(key: Buffer, kind: number, topicId: number, partition: number): Buffer {
  key[0] = kind
  key.writeUInt32BE(topicId, 1)
  key.writeUInt32BE(partition, 5)
  return key
}

function writeOffset(key: Buffer, offset: number): Buffer {
  key.writeUInt32BE(Math.floor(offset / 0x1_0000_0000), 9)
  key.writeUInt32BE(offset % 0x1_0000_0000, 13)
  return key
}
