import { brotliDecompressSync, constants, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'
import { limits } from './limits.js'

/** A body without its codings, or why they could not be removed. */
export type Decoded = { bytes: Buffer; error: null } | { bytes: null; error: string }

/**
 * Removes content codings (RFC 9110 section 8.4), the last applied first.
 *
 * @param codings comma separated, lower case, in the order they were applied.
 * @param cut bytes behind these are missing: what can be decoded of them is the result.
 */
export function decodeContent(body: Buffer, codings: string, cut: boolean): Decoded {
  let bytes = body
  for (const coding of codings.split(',').reverse()) {
    if (coding === 'identity' || coding === '') continue
    try {
      bytes = decodeOne(bytes, coding, cut)
    } catch (cause) {
      return { bytes: null, error: `${coding}: ${reasonOf(cause)}` }
    }
  }
  return { bytes, error: null }
}

function decodeOne(bytes: Buffer, coding: string, cut: boolean): Buffer {
  const maxOutputLength = limits.decodedBodyBytes
  if (coding === 'br') {
    const finishFlush = cut ? constants.BROTLI_OPERATION_FLUSH : constants.BROTLI_OPERATION_FINISH
    return brotliDecompressSync(bytes, { maxOutputLength, finishFlush })
  }
  const options = { maxOutputLength, finishFlush: cut ? constants.Z_SYNC_FLUSH : constants.Z_FINISH }
  if (coding === 'gzip' || coding === 'x-gzip') return gunzipSync(bytes, options)
  // Some servers send deflate without the zlib header (RFC 9110 section 8.4.1.2, note).
  if (coding === 'deflate') return isZlib(bytes) ? inflateSync(bytes, options) : inflateRawSync(bytes, options)
  throw new Error('content coding not supported')
}

/** A zlib header: method deflate, and the check bits right (RFC 1950 section 2.2). */
function isZlib(bytes: Buffer): boolean {
  const first = bytes[0] ?? 0
  return (first & 15) === 8 && ((first << 8) | (bytes[1] ?? 0)) % 31 === 0
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
    return `decoded body is larger than ${limits.decodedBodyBytes} bytes`
  }
  return cause.message
}
