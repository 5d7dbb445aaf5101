import type { Connection, ConnectionEnd } from '@syscribe/schemas'
import type { Decision } from './decide.js'
import { type End, flowLength } from './state.js'

/** The Connection record of an end. */
export function connectionRecord(id: Buffer, end: End, decision: Decision): Connection {
  return {
    connection: id,
    time: end.time,
    timeNanos: end.timeNanos,
    role: decision.isClient ? 'client' : 'server',
    cookie: end.cookie,
    netns: end.netns,
    process: end.process,
    peer: end.peer,
    transport: end.transport,
    ...clientAndServer(end, decision.isClient),
    protocol: decision.protocol,
    category: decision.category,
    confidence: decision.confidence,
    reason: decision.reason,
    serverName: decision.serverName,
    joinedLate: end.joinedLate,
  }
}

/** The ConnectionEnd record of a decided end. @param time when it ended or watching did. */
export function connectionEndRecord(id: Buffer, end: End, time: number, timeNanos: number): ConnectionEnd {
  const isClient = end.decided?.isClient ?? end.role === 'client'
  const sent = flowLength(end.sent)
  const received = flowLength(end.received)
  // Bytes that no record stands for never reached the log.
  const lost = sent > end.sent.bytes || received > end.received.bytes
  return {
    connection: id,
    time,
    timeNanos,
    role: isClient ? 'client' : 'server',
    cookie: end.cookie,
    netns: end.netns,
    process: end.process,
    peer: end.peer,
    ...clientAndServer(end, isClient),
    protocol: end.decided?.protocol ?? null,
    sent,
    received,
    captured: end.captured,
    unseen: lost && !end.unseen.includes('lost') ? [...end.unseen, 'lost'] : [...end.unseen],
  }
}

function clientAndServer(
  end: End,
  isClient: boolean,
): Pick<Connection, 'clientAddress' | 'clientPort' | 'serverAddress' | 'serverPort'> {
  const { localAddress: local, remoteAddress: remote } = end
  return isClient
    ? { clientAddress: local, clientPort: end.localPort, serverAddress: remote, serverPort: end.remotePort }
    : { clientAddress: remote, clientPort: end.remotePort, serverAddress: local, serverPort: end.localPort }
}
