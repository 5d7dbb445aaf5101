import { LogError } from '../errors.js'
import type { CommittedOffset } from '../log.js'
import { BatchBuilder, type RecordBatch } from '../record-batch.js'

/**
 * Brokers keep 4096 bytes with a committed offset (`offset.metadata.max.bytes`). What is longer goes into a compacted
 * topic in the same transaction, and the offset says where. Beginnings of what is kept with an offset:
 *
 *     @>12   at offset 12 of the topic
 *     @=...  as it follows: it begins with @ itself
 */
const mostBytes = 3000
const elsewhere = '@>'
const literal = '@='

/** Whether metadata is too long for the broker. */
export function isLong(metadata: string): boolean {
  return metadata.length * 3 > mostBytes && Buffer.byteLength(metadata) > mostBytes
}

/** Key of a group's long metadata for a partition. */
export function metadataKey(group: string, at: { topic: string; partition: number }): Buffer {
  return Buffer.from(`${group}/${at.topic}/${at.partition}`)
}

/** A batch with one record. */
export function metadataBatch(group: string, offset: CommittedOffset, now: number): RecordBatch {
  const builder = new BatchBuilder(0, 4096)
  builder.append({ timestamp: now, key: metadataKey(group, offset), value: Buffer.from(offset.metadata) })
  return builder.take()
}

/** What is kept with an offset; `at`: the offset of its record in the topic, when it is long. */
export function storedMetadata(metadata: string, at: number | undefined): string {
  if (at !== undefined) return `${elsewhere}${at}`
  return metadata.startsWith('@') ? literal + metadata : metadata
}

/** The metadata, or where it is. @throws LogError `corrupt` */
export function readMetadata(stored: string): string | { at: number } {
  if (!stored.startsWith('@')) return stored
  if (stored.startsWith(literal)) return stored.slice(literal.length)
  const at = Number(stored.slice(elsewhere.length))
  if (stored.startsWith(elsewhere) && Number.isSafeInteger(at) && at >= 0) return { at }
  throw new LogError('corrupt', `metadata of a committed offset is not this engine's: ${stored.slice(0, 40)}`)
}
