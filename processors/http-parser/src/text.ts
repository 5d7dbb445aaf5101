import { isUtf8 } from 'node:buffer'

/**
 * The octets as UTF-8: as they are when they are that, else each one taken as ISO 8859-1.
 */
export function utf8Of(bytes: Buffer, start: number, end: number): Buffer {
  const octets = bytes.subarray(start, end)
  return isUtf8(octets) ? octets : Buffer.from(octets.toString('latin1'), 'utf8')
}
