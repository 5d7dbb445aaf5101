import { matched, type Verdict } from './protocol.js'

/**
 * Postgres recognised in mid-stream: from a message boundary on, every message is a type byte, an Int32 length that
 * counts itself, and the rest (PostgreSQL documentation, "Message Formats").
 */

/** A simple Query, or extended-query messages up to a Sync; each whole. */
export function lateClient(bytes: Buffer): Verdict {
  const types = messageTypes(bytes, 'PBDECSHQ')
  if (types === null) return 'no'
  if (types.startsWith('Q')) return isQuery(bytes) ? matched('Postgres query message') : 'no'
  return types.length > 1 && types.endsWith('S') ? matched('Postgres extended-query messages') : 'more'
}

/** Whole backend messages up to ReadyForQuery with its transaction status. */
export function lateServer(bytes: Buffer): Verdict {
  const types = messageTypes(bytes, '123ACDEGHIKNRSTVWZcdnst')
  if (types === null) return 'no'
  if (types.length < 2 || !types.endsWith('Z')) return 'more'
  const status = String.fromCharCode(bytes[bytes.length - 1] as number)
  const whole = bytes.readInt32BE(bytes.length - 5) === 5 && bytes[bytes.length - 6] === 0x5a
  return whole && 'ITE'.includes(status) ? matched('Postgres replies up to ReadyForQuery') : 'more'
}

/** The types of the whole messages in `bytes`; null when some message cannot be one of `allowed`. */
function messageTypes(bytes: Buffer, allowed: string): string | null {
  let types = ''
  let at = 0
  while (at < bytes.length) {
    const type = String.fromCharCode(bytes[at] as number)
    if (!allowed.includes(type)) return null
    if (at + 5 > bytes.length) break
    const length = bytes.readInt32BE(at + 1)
    if (length < 4 || length > 1 << 28) return null
    if (at + 1 + length > bytes.length) break
    types += type
    at += 1 + length
  }
  return types
}

/** Query: the text as a C string; it is the whole message, and has no control characters but white space. */
function isQuery(bytes: Buffer): boolean {
  const end = bytes.readInt32BE(1)
  if (end < 6 || bytes[end] !== 0) return false
  for (let i = 5; i < end; i++) {
    const byte = bytes[i] as number
    if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return false
  }
  return true
}
