import type { Role } from '@syscribe/schemas'
import type { OpeningSide } from './opening-side.js'
import type { Category, Opening, Protocol } from './protocols/protocol.js'
import { protocolNamed, protocolOfPort } from './protocols/registry.js'
import { alpnProtocols, readHello } from './protocols/tls.js'
import { type Recognised, recognise } from './recognise.js'
import type { End, Undecided } from './state.js'

/** What a connection speaks, as one end saw it. */
export interface Decision {
  readonly protocol: string | null
  readonly category: Category | null
  /** 90: the payload confirmed it. 60: only the port speaks for it. 0: not recognised. */
  readonly confidence: 0 | 60 | 90
  readonly reason: string
  readonly serverName: string | null
  readonly isClient: boolean
}

/** Decides by the bytes seen so far. `more`: too few. `none`: they are of no known protocol. */
export function decideByPayload(end: End, seen: Undecided): Decision | 'more' | 'none' {
  let undecided = false
  for (const { opening, isClient, whole } of openings(end, seen)) {
    const outcome = recognise(opening)
    if (outcome.kind === 'match') return decisionOf(outcome.recognised, opening, end.role, isClient)
    if (outcome.kind === 'more' && whole) undecided = true
  }
  return undecided ? 'more' : 'none'
}

/** Decides with what there is, when nothing more comes or enough has been seen. */
export function decideFinally(end: End, seen: Undecided): Decision {
  for (const { opening, isClient } of openings(end, seen)) {
    const outcome = recognise(opening)
    if (outcome.kind === 'match') return decisionOf(outcome.recognised, opening, end.role, isClient)
    if (outcome.kind === 'more' && outcome.soFar !== null) {
      return decisionOf(outcome.soFar, opening, end.role, isClient)
    }
  }
  const isClient = end.role === 'unknown' ? clientByPort(end) : end.role === 'client'
  const { confidence, protocol, reason } = byPort(end, seen, openingOf(end, seen, isClient))
  return {
    protocol: protocol?.name ?? null,
    category: protocol?.category ?? null,
    confidence,
    reason: end.role === 'unknown' ? `${reason}; who is the client is taken from the ports` : reason,
    serverName: null,
    isClient,
  }
}

function decisionOf({ protocol, match }: Recognised, opening: Opening, role: Role, isClient: boolean): Decision {
  const roleNote = role === 'unknown' ? '; who is the client is taken from the protocol' : ''
  const { serverName } = match
  if (protocol.name === 'tls') {
    const inside = protocolNamed(alpnProtocols[readHello(opening.client)?.alpn[0] ?? ''] ?? '')
    if (inside !== undefined) {
      const reason = `${match.reason} that names ${inside.name} by ALPN${roleNote}`
      return { protocol: inside.name, category: inside.category, confidence: 90, reason, serverName, isClient }
    }
    const usual = protocolOfPort(opening.port)
    if (usual !== undefined) {
      const reason = `port ${opening.port}; the payload is TLS${roleNote}`
      return { protocol: usual.name, category: usual.category, confidence: 60, reason, serverName, isClient }
    }
  }
  const reason = match.reason + roleNote
  return { protocol: protocol.name, category: protocol.category, confidence: 90, reason, serverName, isClient }
}

/** What the port says when the payload does not: its protocol, unless the first bytes of the stream contradict it. */
function byPort(
  end: End,
  seen: Undecided,
  opening: Opening,
): { confidence: 0 | 60; protocol: Protocol | undefined; reason: string } {
  const usual = protocolOfPort(opening.port)
  const begin = firstBytes(opening)
  if (usual === undefined) {
    const what = begin === null ? whyUnseen(end, seen) : `starts with ${begin}`
    return { confidence: 0, protocol: undefined, reason: `no known protocol; ${what}` }
  }
  if (contradicts(usual, opening)) {
    const reason = `port ${opening.port}, but the payload is not ${usual.name}: starts with ${begin}`
    return { confidence: 0, protocol: undefined, reason }
  }
  const few = begin === null ? whyUnseen(end, seen) : 'too few bytes to tell'
  return { confidence: 60, protocol: usual, reason: `port ${opening.port}; ${few}` }
}

/** Only bytes from the very start can: in mid-stream a payload may look like anything. */
function contradicts(usual: Protocol, opening: Opening): boolean {
  const client = opening.clientFromStart ? opening.client : empty
  const server = opening.serverFromStart ? opening.server : empty
  return usual.match({ ...opening, client, server, clientFromStart: true, serverFromStart: true }) === 'no'
}

const empty = Buffer.alloc(0)

/** Why the first bytes are not there, in words. */
function whyUnseen(end: End, { sent, received }: Undecided): string {
  const reasons = [sent.unseen, received.unseen].filter((reason) => reason !== 'none' && reason !== 'joined_late')
  if (reasons.includes('lost')) return 'the first bytes were lost'
  if (reasons.length > 0) return `payload could not be seen (${[...new Set(reasons)].join(', ')})`
  const none = end.sent.bytes === 0 && end.received.bytes === 0
  if (end.joinedLate) return none ? 'joined after the start, no bytes seen' : 'joined after the start'
  return 'no bytes seen'
}

/** The first bytes of the stream for a person: the client's, else the server's; null when neither was seen from its start. */
function firstBytes(opening: Opening): string | null {
  const client = opening.clientFromStart && opening.client.length > 0
  const server = opening.serverFromStart && opening.server.length > 0
  if (!client && !server) return null
  const bytes = (client ? opening.client : opening.server).subarray(0, 24)
  const text = bytes.toString('latin1').replace(/[\r\n]+$/, '')
  if (/^[ -~]{3,}$/.test(text)) return JSON.stringify(text)
  return `bytes ${bytes
    .subarray(0, 12)
    .toString('hex')
    .replace(/(..)(?!$)/g, '$1 ')}`
}

function openingOf(end: End, seen: Undecided, isClient: boolean): Opening {
  const client: OpeningSide = isClient ? seen.sent : seen.received
  const server: OpeningSide = isClient ? seen.received : seen.sent
  return {
    client: client.bytes,
    server: server.bytes,
    clientFromStart: client.fromStart,
    serverFromStart: server.fromStart,
    port: isClient ? end.remotePort : end.localPort,
    transport: end.transport,
  }
}

interface Oriented {
  readonly opening: Opening
  readonly isClient: boolean
  /** Both sides are in it. */
  readonly whole: boolean
}

/** The ways to take the two sides. Without a role both, and first by the client's bytes alone: an answer may look like a request. */
function openings(end: End, seen: Undecided): Oriented[] {
  if (end.role !== 'unknown') {
    const isClient = end.role === 'client'
    return [{ opening: openingOf(end, seen, isClient), isClient, whole: true }]
  }
  const likely = clientByPort(end)
  const both = [likely, !likely].map((isClient) => ({ opening: openingOf(end, seen, isClient), isClient, whole: true }))
  return [...both.map((each) => ({ ...each, opening: { ...each.opening, server: empty }, whole: false })), ...both]
}

/** Without a role: a protocol's usual port is the server's, else the lower port is. */
function clientByPort({ localPort, remotePort }: End): boolean {
  const remote = protocolOfPort(remotePort) !== undefined
  const local = protocolOfPort(localPort) !== undefined
  return remote !== local ? remote : remotePort <= localPort
}
