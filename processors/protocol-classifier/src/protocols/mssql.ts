import { either, matched, type Opening, onPort, type Protocol, type Verdict } from './protocol.js'

const ports = [1433]
const typeSqlBatch = 0x01
const typeRpc = 0x03
const typeResponse = 0x04
const typeLogin7 = 0x10
const typePrelogin = 0x12

/** Microsoft SQL Server: Tabular Data Stream ([MS-TDS]). */
export const mssql: Protocol = {
  name: 'mssql',
  category: 'database',
  ports,
  match(opening) {
    const client = opening.clientFromStart ? firstRequest(opening.client) : lateRequest(opening.client)
    const verdict = either(client, response(opening))
    return typeof verdict === 'object' ? { ...verdict, reason: onPort(opening, ports, verdict.reason) } : verdict
  },
}

/** Packet header ([MS-TDS] 2.2.3.1): type, status, length (big-endian, header included), SPID, packet id, window 0. */
function header(bytes: Buffer, types: readonly number[]): 'yes' | 'more' | 'no' {
  if (bytes.length > 0 && !types.includes(bytes[0] as number)) return 'no'
  if (bytes.length > 1 && (bytes[1] as number) > 0x1f) return 'no'
  if (bytes.length < 8) return 'more'
  const length = bytes.readUInt16BE(2)
  return length > 8 && length <= 32_767 && bytes[7] === 0 ? 'yes' : 'no'
}

/** The client speaks first: PRELOGIN, or LOGIN7 at once. The client's SPID is 0. */
function firstRequest(bytes: Buffer): Verdict {
  const head = header(bytes, [typePrelogin, typeLogin7])
  if (head !== 'yes') return head
  if (bytes.readUInt16BE(4) !== 0) return 'no'
  if (bytes[0] === typePrelogin) return prelogin(bytes, 'TDS PRELOGIN packet')
  // LOGIN7 (2.2.6.4): length little-endian, TDS version 7.0 to 7.4 or 8.0.
  if (bytes.length < 16) return 'more'
  const version = bytes.readUInt32BE(12)
  const known = [0x0000_0070, 0x0100_0071, 0x0200_0972, 0x0300_0a73, 0x0300_0b73, 0x0400_0074, 0x0000_0008]
  const length = bytes.readUInt32LE(8)
  return known.includes(version) && length >= 86 && length <= 131_072 ? matched('TDS LOGIN7 packet') : 'no'
}

/** PRELOGIN (2.2.6.5): options of token, offset and length; the first is VERSION, 6 bytes long; 0xff ends them. */
function prelogin(bytes: Buffer, reason: string): Verdict {
  const want: readonly number[] = [0x00, 0x00, -1, 0x00, 0x06]
  for (let i = 0; i < want.length; i++) {
    if (bytes.length <= 8 + i) return 'more'
    if (want[i] !== -1 && bytes[8 + i] !== want[i]) return 'no'
  }
  // The data begin behind the options, which are 5 bytes each, and the terminator.
  const offset = bytes[10] as number
  if (offset % 5 !== 1 || offset < 6) return 'no'
  if (bytes.length <= 8 + offset - 1) return 'more'
  return bytes[8 + offset - 1] === 0xff ? matched(reason) : 'no'
}

/** The server answers with type 4: to a PRELOGIN in the same format, later with a stream of tokens. */
function response(opening: Opening): Verdict {
  const bytes = opening.server
  const head = header(bytes, [typeResponse])
  if (head !== 'yes') return head
  if (opening.serverFromStart) return prelogin(bytes, 'TDS PRELOGIN answer')
  return lateTokens(bytes)
}

/** Mid-stream: SQLBatch or RPC, whose data begin with ALL_HEADERS (2.2.5.3): total length 22, one header of 18, transaction descriptor. */
function lateRequest(bytes: Buffer): Verdict {
  const head = header(bytes, [typeSqlBatch, typeRpc])
  if (head !== 'yes') return head
  if (bytes.length < 18) return 'more'
  const all = bytes.readUInt32LE(8) === 22 && bytes.readUInt32LE(12) === 18 && bytes.readUInt16LE(16) === 2
  return all ? matched(bytes[0] === typeRpc ? 'TDS RPC packet' : 'TDS SQL batch packet') : 'no'
}

/** Mid-stream: one whole last packet of tokens, the last of them DONE, DONEPROC or DONEINPROC (2.2.7.6), 13 bytes long. */
function lateTokens(bytes: Buffer): Verdict {
  const length = bytes.readUInt16BE(2)
  if (bytes.length < length) return 'more'
  const tokens = [0x79, 0x81, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xd1, 0xe3, 0xfd, 0xfe, 0xff]
  const done = bytes[length - 13]
  const last = (bytes[1] as number) & 1
  const fits = length >= 21 && last === 1 && tokens.includes(bytes[8] as number) && done !== undefined && done >= 0xfd
  // DONE status: the bits up to 0x0020, 0x0100 and final attention are defined.
  return fits && (bytes.readUInt16LE(length - 12) & ~0x0137) === 0 ? matched('TDS response packet') : 'no'
}
