import { beginsWith } from './bytes.js'
import { either, matched, type Protocol, type Verdict } from './protocol.js'

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** HTTP/2 in the clear (RFC 9113), gRPC for instance. */
export const http2: Protocol = {
  name: 'http2',
  category: 'other',
  ports: [],
  match({ client, clientFromStart, server, serverFromStart }) {
    const begins = beginsWith(client, preface)
    const opened = begins === 'yes' ? matched('HTTP/2 connection preface') : begins
    if (!clientFromStart) return serverFromStart ? settings(server) : 'no'
    return serverFromStart ? either(opened, settings(server)) : opened
  },
}

/** The server begins with a SETTINGS frame (section 3.4 and 6.5): type 4, stream 0, entries of 6 bytes, ids from 1. */
function settings(bytes: Buffer): Verdict {
  if (bytes.length === 0) return 'more'
  if (bytes[0] !== 0 || (bytes.length > 1 && bytes[1] !== 0)) return 'no'
  const head = beginsWith(bytes, [4, 0, 0, 0, 0, 0], 3)
  if (head === 'no') return 'no'
  if (bytes.length < 15) return 'more'
  const length = bytes[2] as number
  const id = bytes.readUInt16BE(9)
  if (length === 0) return 'more'
  return length % 6 === 0 && id >= 1 && id <= 16 ? matched('HTTP/2 SETTINGS frame') : 'no'
}
