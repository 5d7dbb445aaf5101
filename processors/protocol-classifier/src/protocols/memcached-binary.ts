import { matched, type Verdict } from './protocol.js'

/**
 * The binary protocol (doc/protocol-binary.txt): a header of 24 bytes: magic, opcode, key length, extras length, data
 * type 0, vbucket or status, total body length, opaque, cas.
 */

/** Extras a request of each opcode carries: least and most. */
const extras: ReadonlyMap<number, readonly [number, number]> = new Map([
  ...each(
    [0x00, 0x04, 0x07, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x14, 0x17, 0x19, 0x1a, 0x20, 0x21, 0x22],
    0,
    0,
  ),
  ...each([0x01, 0x02, 0x03, 0x11, 0x12, 0x13], 8, 8),
  ...each([0x05, 0x06, 0x15, 0x16], 20, 20),
  ...each([0x08, 0x18], 0, 4),
  ...each([0x1b, 0x1c, 0x1d, 0x1e], 4, 4),
])

/** Response statuses the document lists. */
const statuses = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x20, 0x21, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86]

export function binaryRequest(bytes: Buffer): Verdict {
  const allowed = bytes.length > 1 ? extras.get(bytes[1] as number) : [0, 0]
  if (allowed === undefined) return 'no'
  if (bytes.length < 24) return 'more'
  const size = bytes[4] as number
  if (size < (allowed[0] as number) || size > (allowed[1] as number) || bytes.readUInt16BE(6) !== 0) return 'no'
  return body(bytes) ? matched('memcached binary request') : 'no'
}

export function binaryResponse(bytes: Buffer): Verdict {
  if (bytes.length > 1 && !extras.has(bytes[1] as number)) return 'no'
  if (bytes.length < 24) return 'more'
  const size = bytes[4] as number
  if ((size !== 0 && size !== 4) || !statuses.includes(bytes.readUInt16BE(6))) return 'no'
  return body(bytes) ? matched('memcached binary response') : 'no'
}

/** Data type 0, a key of at most 250 bytes, and a body that holds extras and key; values are at most 128 MB. */
function body(bytes: Buffer): boolean {
  const key = bytes.readUInt16BE(2)
  const total = bytes.readUInt32BE(8)
  return bytes[5] === 0 && key <= 250 && total >= key + (bytes[4] as number) && total <= 134_217_728
}

function each(opcodes: number[], least: number, most: number): [number, readonly [number, number]][] {
  return opcodes.map((opcode) => [opcode, [least, most]])
}
