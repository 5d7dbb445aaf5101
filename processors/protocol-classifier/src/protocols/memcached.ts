import { binaryRequest, binaryResponse } from './memcached-binary.js'
import { textRequest, textResponse } from './memcached-text.js'
import { either, type Opening, onPort, type Protocol, type Verdict } from './protocol.js'

const ports = [11211]

/** memcached (doc/protocol.txt, doc/protocol-binary.txt in its sources): text, meta and binary commands, over TCP and UDP. Recognised in mid-stream as well. */
export const memcached: Protocol = {
  name: 'memcached',
  category: 'cache',
  ports,
  match(opening) {
    const { client, server } = opening.transport === 'udp' ? withoutFrame(opening) : opening
    const verdict = either(request(client, server), response(server))
    return typeof verdict === 'object' ? { ...verdict, reason: onPort(opening, ports, verdict.reason) } : verdict
  },
}

function request(bytes: Buffer, server: Buffer): Verdict {
  return bytes[0] === 0x80 ? binaryRequest(bytes) : textRequest(bytes, server)
}

function response(bytes: Buffer): Verdict {
  return bytes[0] === 0x81 ? binaryResponse(bytes) : textResponse(bytes)
}

/** Over UDP a frame header of 8 bytes comes first (doc/protocol.txt, "UDP protocol"): request id, sequence, number of datagrams, 0. */
function withoutFrame({ client, server }: Opening): { client: Buffer; server: Buffer } {
  return { client: unframed(client), server: unframed(server) }
}

const notFramed = Buffer.from([0])

function unframed(bytes: Buffer): Buffer {
  if (bytes.length === 0) return bytes
  const framed = bytes.length > 8 && bytes.readUInt16BE(6) === 0 && bytes.readUInt16BE(4) > bytes.readUInt16BE(2)
  return framed ? bytes.subarray(8) : notFramed
}
