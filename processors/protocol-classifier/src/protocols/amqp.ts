import { beginsWith } from './bytes.js'
import { either, matched, onPort, type Protocol, type Verdict } from './protocol.js'

const ports = [5672, 5671]

/** Protocol id, major, minor, revision behind "AMQP", and how the version is called. */
const versions: readonly (readonly [bytes: readonly number[], name: string])[] = [
  [[0, 0, 9, 1], 'AMQP 0-9-1 protocol header'],
  [[1, 1, 0, 9], 'AMQP 0-9 protocol header'],
  [[1, 1, 0, 10], 'AMQP 0-10 protocol header'],
  [[1, 1, 8, 0], 'AMQP 0-8 protocol header'],
  [[0, 1, 0, 0], 'AMQP 1.0 protocol header'],
  [[2, 1, 0, 0], 'AMQP 1.0 TLS protocol header'],
  [[3, 1, 0, 0], 'AMQP 1.0 SASL protocol header'],
]

/** AMQP 0-9-1 (specification section 4.2) and 1.0 (OASIS, part 2 section 2.2 and 2.3), as RabbitMQ and others speak it. */
export const amqp: Protocol = {
  name: 'amqp',
  category: 'message_bus',
  ports,
  match(opening) {
    const client = opening.clientFromStart ? header(opening.client) : frame(opening.client)
    const server = opening.serverFromStart ? answer(opening.server) : frame(opening.server)
    const verdict = either(client, server)
    return typeof verdict === 'object' ? { ...verdict, reason: onPort(opening, ports, verdict.reason) } : verdict
  },
}

const magic = Buffer.from('AMQP')

function header(bytes: Buffer): Verdict {
  const begins = beginsWith(bytes, magic)
  if (begins !== 'yes') return begins
  for (const [version, name] of versions) {
    const fits = beginsWith(bytes, version, 4)
    if (fits === 'yes') return matched(name)
    if (fits === 'more') return 'more'
  }
  return 'no'
}

/** The server's Connection.Start: a method frame on channel 0, class 10, method 10, version 0-9; or a protocol header of its own. */
function answer(bytes: Buffer): Verdict {
  if (bytes[0] === 0x41) return header(bytes)
  const channel = beginsWith(bytes, [1, 0, 0])
  if (channel !== 'yes') return channel
  const method = beginsWith(bytes, [0, 10, 0, 10, 0, 9], 7)
  return method === 'yes' ? matched('AMQP 0-9-1 Connection.Start') : method
}

/** Mid-stream: a whole frame; 0-9-1: type, channel, size, payload, 0xce (section 4.2.3). */
function frame(bytes: Buffer): Verdict {
  if (bytes.length === 0) return 'more'
  if (bytes.length >= 12 && bytes[4] === 2) return performative(bytes)
  if (![1, 2, 3, 8].includes(bytes[0] as number)) return bytes.length < 12 && bytes[0] === 0 ? 'more' : 'no'
  if (bytes.length < 8) return 'more'
  const size = bytes.readUInt32BE(3)
  if (size > 1 << 20) return 'no'
  // Heartbeats are empty and on channel 0; class ids of methods and content headers are 10 to 90 (section 1.2 of the reference).
  if (bytes[0] === 8 && (size !== 0 || bytes.readUInt16BE(1) !== 0)) return 'no'
  if (bytes[0] === 1 || bytes[0] === 2) {
    if (bytes.length < 11) return 'more'
    if (size < 4 || ![10, 20, 40, 50, 60, 85, 90].includes(bytes.readUInt16BE(7))) return 'no'
  }
  // A content body says nothing of itself but its end.
  if (bytes[0] === 3) return 'no'
  if (bytes.length < 8 + size) return 'more'
  return bytes[7 + size] === 0xce ? matched('AMQP 0-9-1 frame') : 'no'
}

/** 1.0: size, data offset 2, type, channel; then a described performative, smallulong 0x10 to 0x18 or SASL 0x40 to 0x44. */
function performative(bytes: Buffer): Verdict {
  const code = bytes[10] as number
  const described = bytes[8] === 0 && bytes[9] === 0x53
  const known = (bytes[5] === 0 && code >= 0x10 && code <= 0x18) || (bytes[5] === 1 && code >= 0x40 && code <= 0x44)
  return described && known && bytes.readUInt32BE(0) >= 11 ? matched('AMQP 1.0 frame') : 'no'
}
