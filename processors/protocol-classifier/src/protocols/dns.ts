import { readDnsMessage } from '../dns/message.js'
import { either, matched, matchedSoFar, type Protocol, type Verdict } from './protocol.js'

/** DNS (RFC 1035), looked for on its port only: its header is too plain elsewhere. */
export const dns: Protocol = {
  name: 'dns',
  category: 'other',
  ports: [53],
  match({ client, server, port, transport, clientFromStart, serverFromStart }) {
    if (port !== 53) return 'no'
    return either(message(client, transport, clientFromStart, false), message(server, transport, serverFromStart, true))
  },
}

function message(bytes: Buffer, transport: 'tcp' | 'udp', fromStart: boolean, response: boolean): Verdict {
  if (bytes.length === 0) return 'more'
  if (!fromStart && transport === 'tcp') return 'no'
  // Over TCP two bytes of length come first (section 4.2.2).
  const at = transport === 'tcp' ? 2 : 0
  if (bytes.length < at + 12) return transport === 'tcp' ? 'more' : 'no'
  const read = readDnsMessage(bytes.subarray(at))
  if (read === null || read.response !== response) return 'no'
  const reason = `port 53, DNS ${response ? 'answer' : 'query'}`
  if (read.name !== null) return matched(`${reason} for ${read.name === '' ? 'the root' : read.name}`)
  return transport === 'tcp' ? matchedSoFar(reason) : matched(reason)
}
