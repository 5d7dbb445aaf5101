import { openingLimit } from './protocols/protocol.js'
import type { End } from './state.js'

/** Milliseconds of event time after its first byte for a connection to be recognised. */
const recogniseWithin = 10_000
/** The same when it was joined in mid-stream: a message boundary may be far. */
const recogniseLateWithin = 30_000
/** Milliseconds without a byte after which a usual port is taken to speak for itself. */
const silentOnUsualPort = 60_000
/** Milliseconds without a record after which a TCP connection whose close was lost is forgotten. */
const idleTcp = 86_400_000
/** The same for UDP, of which no close is recorded (RFC 4787 section 4.3 recommends five minutes). */
const idleUdp = 300_000
/** The same for DNS over UDP: most resolvers take a new socket for each query and wait for seconds. */
const idleDns = 30_000

/** Bytes after which an undecided connection is given up, counted over both directions. */
const maxBytes = 262_144
/** Pieces after which it is: every byte of both openings may be a piece of its own. */
const maxPieces = 2 * openingLimit
/** The same when it was joined in mid-stream, where each piece is another chance. */
const maxLatePieces = 64
/** Datagrams to wait for one that is recognised. */
const maxDatagrams = 4

/** Enough was seen of an undecided connection to say that it is not recognised. */
export function sawEnough(end: End): boolean {
  const pieces = end.undecided?.pieces ?? 0
  if (end.transport === 'udp') return pieces >= maxDatagrams
  return pieces >= (end.joinedLate ? maxLatePieces : maxPieces) || end.sent.bytes + end.received.bytes >= maxBytes
}

/** Until when (milliseconds, event time) an undecided connection waits for more; infinite when only its end ends it. */
export function decideBy(end: End, onUsualPort: boolean): number {
  if (end.undecided === null) return Number.POSITIVE_INFINITY
  const since = Math.floor(end.time / 1000)
  if (end.sent.bytes + end.received.bytes > 0) return since + (end.joinedLate ? recogniseLateWithin : recogniseWithin)
  return onUsualPort && end.transport === 'tcp' ? since + silentOnUsualPort : Number.POSITIVE_INFINITY
}

/** When an end from which nothing was heard is forgotten. */
export function forgetAt(end: End): number {
  if (end.transport === 'tcp') return end.lastSeen + idleTcp
  return end.lastSeen + (end.decided?.protocol === 'dns' ? idleDns : idleUdp)
}
