import { crc32 } from 'node:zlib'
import { type PartitionBatch, RecordBatch } from '@syscribe/log'

/**
 * A round in the spool. Little-endian:
 *
 *      0  u32  length of the body
 *      4  u32  CRC-32 of the body (zlib's)
 *      8  the body: for each batch
 *             0  u32  length of the batch
 *             4  u16  partition
 *             6  u16  topic, by its place in the segment's header
 *             8  the batch, as in log/src/record-batch.ts
 */
export const frameHeaderBytes = 8
const batchHeaderBytes = 8

export function encodeFrame(batches: readonly PartitionBatch[], topics: readonly string[]): Buffer {
  const length = batches.reduce((sum, { batch }) => sum + batchHeaderBytes + batch.byteLength, 0)
  const frame = Buffer.allocUnsafe(frameHeaderBytes + length)
  let position = frameHeaderBytes
  for (const { topic, partition, batch } of batches) {
    frame.writeUInt32LE(batch.byteLength, position)
    frame.writeUInt16LE(partition, position + 4)
    frame.writeUInt16LE(topics.indexOf(topic), position + 6)
    position += batchHeaderBytes
    position += batch.buffer.copy(frame, position)
  }
  frame.writeUInt32LE(length, 0)
  frame.writeUInt32LE(crc32(frame.subarray(frameHeaderBytes)), 4)
  return frame
}

/** Bytes of the frame that begins there, as far as its length can be read; undefined when not even that is there. */
export function frameLength(buffer: Buffer, position: number): number | undefined {
  return position + frameHeaderBytes <= buffer.length ? frameHeaderBytes + buffer.readUInt32LE(position) : undefined
}

/** Whether a whole frame begins there, as it was written. */
export function isWholeFrame(buffer: Buffer, position: number): boolean {
  const length = frameLength(buffer, position)
  if (length === undefined || position + length > buffer.length) return false
  return crc32(buffer.subarray(position + frameHeaderBytes, position + length)) === buffer.readUInt32LE(position + 4)
}

/** The batches of a whole frame: views into the buffer. */
export function decodeFrame(buffer: Buffer, position: number, topics: readonly string[]): PartitionBatch[] {
  const batches: PartitionBatch[] = []
  const end = position + (frameLength(buffer, position) as number)
  for (let at = position + frameHeaderBytes; at < end; ) {
    const length = buffer.readUInt32LE(at)
    const partition = buffer.readUInt16LE(at + 4)
    const topic = topics[buffer.readUInt16LE(at + 6)] as string
    at += batchHeaderBytes
    batches.push({ topic, partition, batch: new RecordBatch(buffer.subarray(at, at + length)) })
    at += length
  }
  return batches
}
