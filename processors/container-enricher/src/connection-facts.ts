import { fieldReader, type InputRecord } from '@syscribe/runtime'
import type { ProcessKey, Role } from '@syscribe/schemas'
import type { ConnectionFacts } from './enricher-state.js'
import { requestHost } from './request-host.js'

const messageFields = fieldReader('http', 'HttpMessage', [
  ...(['kind', 'role', 'direction', 'time', 'netns', 'process', 'peer'] as const),
  ...(['sourceAddress', 'sourcePort', 'destinationAddress', 'destinationPort'] as const),
])
const requestFields = fieldReader('http', 'HttpMessage', ['method', 'url', 'headers'])
const connectionFields = fieldReader('connections', 'Connection', [
  ...(['role', 'time', 'netns', 'process', 'peer', 'transport', 'serverName'] as const),
  ...(['clientAddress', 'clientPort', 'serverAddress', 'serverPort'] as const),
])
const endFields = fieldReader('connections', 'ConnectionEnd', [
  ...(['role', 'time', 'netns', 'process', 'peer'] as const),
  ...(['clientAddress', 'clientPort', 'serverAddress', 'serverPort'] as const),
])

export interface Observation {
  facts: ConnectionFacts
  /** The other end, were it observed, would be known by now: there is nothing to wait for. */
  settled: boolean
}

export function ofMessage(input: InputRecord): Observation {
  const { kind, role, direction, process, peer, netns, time, ...message } = messageFields(input)
  const isRequest = kind === 'request'
  const sender = direction === 'send' ? process : peer
  const receiver = direction === 'send' ? peer : process
  const source = { address: message.sourceAddress, port: message.sourcePort }
  const destination = { address: message.destinationAddress, port: message.destinationPort }
  const [from, to] = isRequest ? [source, destination] : [destination, source]
  const [client, server] = isRequest ? [sender, receiver] : [receiver, sender]
  return {
    facts: {
      host: process.host,
      netns,
      client,
      server,
      clientAddress: from.address,
      clientPort: from.port,
      serverAddress: to.address,
      serverPort: to.port,
      transport: 'tcp',
      time,
      // Whom a request names is told by the one who asks; where the server is observed it is not needed.
      requestHost: isRequest && role !== 'server' ? requestHost(requestFields(input)) : null,
      serverName: null,
    },
    settled: !isRequest,
  }
}

export function ofConnection(input: InputRecord): Observation {
  const { role, process, peer, ...connection } = connectionFields(input)
  return {
    facts: { host: process.host, ...byRole(role, process, peer), ...connection, requestHost: null },
    settled: false,
  }
}

export function ofEnd(input: InputRecord): Observation {
  const { role, process, peer, ...end } = endFields(input)
  const facts = { host: process.host, ...byRole(role, process, peer), ...end }
  return { facts: { ...facts, transport: 'tcp', requestHost: null, serverName: null }, settled: true }
}

function byRole(role: Role, process: ProcessKey, peer: ProcessKey | null): Pick<ConnectionFacts, 'client' | 'server'> {
  return role === 'server' ? { client: peer, server: process } : { client: process, server: peer }
}

/** What two records say of one connection, together. The first that said a thing counts. */
export function together(first: ConnectionFacts, second: ConnectionFacts): ConnectionFacts {
  return {
    ...first,
    client: first.client ?? second.client,
    server: first.server ?? second.server,
    requestHost: first.requestHost ?? second.requestHost,
    serverName: first.serverName ?? second.serverName,
  }
}
