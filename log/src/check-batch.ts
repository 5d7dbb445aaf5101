import { LogError } from './errors.js'
import { batchHeaderBytes, batchMagic, type RecordBatch, recordHeaderBytes } from './record-batch.js'

/** A batch larger than this is refused: lmdb reads values below 16 MiB by copying, larger ones in ways to stay clear of. */
export const defaultMaxBatchBytes = 15 * 1024 * 1024

/**
 * Checks a batch before it is appended: what is stored must be readable.
 * @throws LogError `invalid` when its layout is broken or it is empty, or has a null key and `keyed` is set (a compacted
 * topic keeps records by key); `record_too_large`.
 */
export function checkBatch(topic: string, batch: RecordBatch, maxBytes: number, keyed: boolean): void {
  if (batch.byteLength > maxBytes) {
    throw new LogError(
      'record_too_large',
      `a batch of ${batch.byteLength} bytes for topic ${topic} is over the limit of ${maxBytes}`,
    )
  }
  const fault = batch.byteLength < batchHeaderBytes || batch.gaps === 0 ? batchFault(batch.buffer, keyed) : 'has gaps'
  if (fault !== null) throw new LogError('invalid', `a batch for topic ${topic} ${fault}`)
}

/** What is wrong with a batch's bytes, or null. */
export function batchFault(buffer: Buffer, keyed = false): string | null {
  const length = buffer.length
  if (length < batchHeaderBytes) return `has ${length} bytes, less than its header`
  if (buffer[0] !== batchMagic) return `begins with byte ${buffer[0]}, not ${batchMagic}`
  // A DataView reads several times faster than Buffer's own methods.
  const view = new DataView(buffer.buffer, buffer.byteOffset, length)
  const count = view.getUint32(8, true)
  if (count === 0) return 'holds no record'
  let position = batchHeaderBytes
  let missing = 0
  for (let index = 0; index < count; index++) {
    if (position + recordHeaderBytes > length) return `ends inside record ${index} of ${count}`
    const valueLength = view.getUint32(position, true)
    const keyLength = view.getUint16(position + 4, true)
    missing += view.getUint16(position + 6, true)
    if (keyed && keyLength === 0xffff) return `has no key in record ${index}, and the topic is compacted`
    position += recordHeaderBytes
    if (keyLength !== 0xffff) position += keyLength
    if (valueLength !== 0xffffffff) position += valueLength
    if (position > length) return `ends inside record ${index} of ${count}`
  }
  if (position !== length) return `has ${length - position} bytes after its last record`
  return missing === view.getUint32(12, true) ? null : 'does not add up its missing offsets'
}
