import { either, matched, onPort, type Protocol, type Verdict } from './protocol.js'

const ports = [27017]
const opReply = 1
const opQuery = 2004
const opCompressed = 2012
const opMsg = 2013

/** MongoDB wire protocol (MongoDB manual, "MongoDB Wire Protocol"). Every message says its length and kind, so it is recognised in mid-stream as well. */
export const mongodb: Protocol = {
  name: 'mongodb',
  category: 'database',
  ports,
  match(opening) {
    const verdict = either(message(opening.client, 'client'), message(opening.server, 'server'))
    return typeof verdict === 'object' ? { ...verdict, reason: onPort(opening, ports, verdict.reason) } : verdict
  },
}

/** MsgHeader: int32 messageLength, requestID, responseTo, opCode, little-endian. A request answers nothing: its responseTo is 0. */
function message(bytes: Buffer, from: 'client' | 'server'): Verdict {
  // Messages are at most 48 MB long: the highest byte of the length is 0 to 2.
  if (bytes.length >= 4) {
    const length = bytes.readInt32LE(0)
    if (length < 26 || length > 48_000_000) return 'no'
  }
  if (bytes.length < 16) return 'more'
  const answers = bytes.readInt32LE(8) !== 0
  switch (bytes.readInt32LE(12)) {
    case opMsg:
      return answers === (from === 'server') ? msg(bytes) : 'no'
    case opQuery:
      return from === 'client' && !answers ? query(bytes) : 'no'
    case opReply:
      return from === 'server' && answers ? reply(bytes) : 'no'
    case opCompressed:
      return answers === (from === 'server') ? compressed(bytes) : 'no'
    default:
      return 'no'
  }
}

/** OP_MSG: flag bits (0, 1 and 16 are defined), then a section of kind 0: one BSON document. */
function msg(bytes: Buffer): Verdict {
  if (bytes.length < 21) return 'more'
  if ((bytes.readUInt32LE(16) & ~0x0001_0003) !== 0) return 'no'
  const length = bytes.readInt32LE(0)
  // A document sequence (kind 1) may come first: int32 size and its name.
  if (bytes[20] === 1) {
    if (bytes.length < 26) return 'more'
    const size = bytes.readInt32LE(21)
    if (size < 10 || size > length - 21) return 'no'
    return isName(bytes[25] as number) ? matched('MongoDB OP_MSG message') : 'no'
  }
  if (bytes[20] !== 0) return 'no'
  return document(bytes, 21, length, (name) => `MongoDB OP_MSG message, ${name}`)
}

/** OP_QUERY: flags, full collection name, skip, return, document. Drivers still say hello with it, to `admin.$cmd`. */
function query(bytes: Buffer): Verdict {
  const end = bytes.indexOf(0, 20)
  const name = bytes.toString('latin1', 20, end < 0 ? Math.min(bytes.length, 140) : end)
  if (name.length > 120 || !/^[\x21-\x7e]*$/.test(name)) return 'no'
  if (bytes.length < 20 || end < 0) return 'more'
  if ((bytes.readUInt32LE(16) & ~0xff) !== 0 || !/^[^.]+\../.test(name)) return 'no'
  return document(bytes, end + 9, bytes.readInt32LE(0), (first) => `MongoDB OP_QUERY message, ${first}`)
}

/** OP_REPLY: flags (4 bits), cursor id, starting from, number returned, documents. */
function reply(bytes: Buffer): Verdict {
  if (bytes.length < 36) return 'more'
  if (bytes.readUInt32LE(16) > 15 || bytes.readInt32LE(32) < 0) return 'no'
  return document(bytes, 36, bytes.readInt32LE(0), () => 'MongoDB OP_REPLY message')
}

/** OP_COMPRESSED: original opcode, size, compressor (0 noop, 1 snappy, 2 zlib, 3 zstd). */
function compressed(bytes: Buffer): Verdict {
  if (bytes.length < 25) return 'more'
  return bytes.readInt32LE(16) === opMsg && (bytes[24] as number) <= 3 ? matched('MongoDB OP_COMPRESSED message') : 'no'
}

/** The beginning of a BSON document (bsonspec.org) at `at`: its length fits the message, its first element has a type and a name. */
function document(bytes: Buffer, at: number, messageLength: number, reason: (name: string) => string): Verdict {
  if (bytes.length < at + 6) return 'more'
  const length = bytes.readInt32LE(at)
  if (length < 5 || at + length > messageLength) return 'no'
  const type = bytes[at + 4] as number
  if (type === 0) return length === 5 ? matched(reason('empty document')) : 'no'
  if (type > 0x13 && type !== 0x7f && type !== 0xff) return 'no'
  const end = bytes.indexOf(0, at + 5)
  const name = end < 0 ? bytes.length : end
  for (let i = at + 5; i < name; i++) if (!isName(bytes[i] as number)) return 'no'
  if (name - at > 100) return 'no'
  return end < 0 ? 'more' : matched(reason(bytes.toString('latin1', at + 5, end)))
}

function isName(byte: number): boolean {
  return byte > 0x20 && byte !== 0x7f
}
