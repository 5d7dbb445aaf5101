import { TextDecoder } from 'node:util'

/**
 * How a body's bytes become text.
 * - `utf-8`, `us-ascii`: as they are, when valid.
 * - `iso-8859-1`: byte for byte the first 256 characters of Unicode; always valid.
 * - a decoder: whatever else the WHATWG Encoding Standard names.
 * - `unknown`: a name nobody knows; the bytes stay bytes.
 */
export type Charset = 'utf-8' | 'us-ascii' | 'iso-8859-1' | 'unknown' | Decode

/** @returns undefined when the bytes are not valid in the charset. */
export type Decode = (bytes: Buffer) => string | undefined

/** A server chooses its Content-Type: as many are remembered as honest ones have. */
const rememberedMost = 1024
const remembered = new Map<string, Charset>()

/** The charset a Content-Type names (RFC 9110 section 8.3.2); UTF-8 when it names none (RFC 8259, RFC 3629). */
export function charsetOf(contentType: string): Charset {
  let charset = remembered.get(contentType)
  if (charset === undefined) {
    charset = byLabel(/;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(contentType)?.[1] ?? 'utf-8')
    if (remembered.size >= rememberedMost) remembered.clear()
    remembered.set(contentType, charset)
  }
  return charset
}

function byLabel(label: string): Charset {
  // These two mean windows-1252 to browsers; on the wire they are what they say (RFC 2045, ISO/IEC 8859-1).
  if (/^(us-ascii|ascii)$/i.test(label)) return 'us-ascii'
  if (/^(iso[-_]8859-1|iso8859-1|latin-?1|l1)$/i.test(label)) return 'iso-8859-1'
  // RFC 2781: a byte order mark decides; little endian without one, as everybody reads it.
  if (/^utf-?16$/i.test(label)) return utf16
  try {
    const decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true })
    if (decoder.encoding === 'utf-8') return 'utf-8'
    if (decoder.encoding === 'windows-1252') return windows1252
    return (bytes) => decode(decoder, bytes)
  } catch {
    return 'unknown'
  }
}

/** Code points of the bytes 0x80 to 0x9f in windows-1252 (WHATWG Encoding Standard, index windows-1252). */
const windows1252Upper = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ'

/** By hand: some versions of Node decode it as ISO 8859-1, and a log gives the same lines on all. */
function windows1252(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(/[\x80-\x9f]/g, (char) => windows1252Upper[char.charCodeAt(0) - 0x80] as string)
}

function utf16(bytes: Buffer): string | undefined {
  const bigEndian = bytes[0] === 0xfe && bytes[1] === 0xff
  return decode(new TextDecoder(bigEndian ? 'utf-16be' : 'utf-16le', { fatal: true }), bytes)
}

function decode(decoder: TextDecoder, bytes: Buffer): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}
