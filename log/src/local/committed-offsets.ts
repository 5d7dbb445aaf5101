import { LogError } from '../errors.js'
import type { CommittedOffset } from '../log.js'

/** Bytes of UTF-8 a group may keep with an offset. */
export const maxMetadataBytes = 64 * 1024

/** @throws LogError `invalid` for a name that is none: 1 to 249 characters without control characters. */
export function checkGroupName(group: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in it
  if (/^[^\x00-\x1f]{1,249}$/.test(group)) return
  throw new LogError('invalid', `${JSON.stringify(group)} is no name for a group`)
}

/** @throws LogError `record_too_large` for metadata over 64 KiB, `invalid` for an offset that is none. */
export function checkCommittedOffset({ topic, partition, offset, metadata }: CommittedOffset): void {
  const bytes = Buffer.byteLength(metadata)
  if (bytes > maxMetadataBytes) {
    throw new LogError(
      'record_too_large',
      `${bytes} bytes of metadata with the offset of ${topic}/${partition} are over the limit of ${maxMetadataBytes}`,
    )
  }
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new LogError('invalid', `${offset} is no offset to commit for ${topic}/${partition}`)
  }
}
