import { type Direction, over, searching } from './direction.js'
import type { Endpoint } from './endpoint.js'
import { unknownTarget } from './exchanges.js'
import { type Head, request } from './head.js'
import { encodeTarget, isMethod } from './target.js'

/** Gives a message its exchange by its start line, in `head`. Whether a tunnel follows it. */
export function numberMessage(endpoint: Endpoint, direction: Direction, head: Head): MessageContext {
  const { exchanges } = endpoint
  direction.minor = head.minor
  if (direction.kind === request) {
    direction.target = encodeTarget(head)
    const late = direction.releasedBefore < exchanges.released
    const isConnect = isMethod(head, 'CONNECT')
    direction.exchange = exchanges.addRequest(
      direction.target,
      isMethod(head, 'HEAD'),
      isConnect,
      direction.order,
      late,
    )
    return plain
  }
  const { status } = head
  direction.status = status
  if (exchanges.pending.length === 0) exchanges.release()
  const answered = exchanges.answer(status >= 200 || status === 101)
  direction.exchange = answered.exchange
  direction.target = answered.target
  if (status === 101 || (answered.connect && status >= 200 && status < 300)) return tunnel
  return answered.head ? toHead : plain
}

/** What a response's body depends on beside its own head. */
export interface MessageContext {
  /** It answers a HEAD request. */
  toHead: boolean
  /** What follows on the connection is not HTTP (RFC 9110 sections 7.8 and 9.3.6). */
  tunnel: boolean
}

const plain: MessageContext = { toHead: false, tunnel: false }
const toHead: MessageContext = { toHead: true, tunnel: false }
const tunnel: MessageContext = { toHead: false, tunnel: true }

/**
 * Gives an exchange to a message of which not even the start line is known.
 * @param followed the next message of this direction is known.
 */
export function numberLost(endpoint: Endpoint, direction: Direction, followed: boolean): void {
  const { exchanges } = endpoint
  if (direction.kind === request) {
    direction.exchange = exchanges.addRequest(unknownTarget, false, false, direction.order, true)
    return
  }
  const answered = exchanges.answerLost(direction.order, followed)
  direction.exchange = answered.exchange
  direction.target = answered.target
}

/**
 * Whether a response that nobody asked for should wait: its request may be logged a moment later, by another thread.
 * Where requests cannot be followed anyway, or this one was sent before watching began, that is vain.
 */
export function waitsForRequest(endpoint: Endpoint, direction: Direction): boolean {
  if (direction.waived || endpoint.exchanges.pending.length > 0) return false
  const { phase } = endpoint.other(direction)
  if (phase === searching || phase === over) return false
  return endpoint.exchanges.requests > 0 || !endpoint.joinedLate
}

/** Whether the message at hand was answered, or, as a response, another request was sent since its last bytes. */
export function exchangeWentOn(endpoint: Endpoint, direction: Direction): boolean {
  const { exchanges } = endpoint
  const first = exchanges.pending[0]
  if (direction.kind !== request) {
    return first !== undefined && !exchanges.pipelines && exchanges.requests > direction.requestsSeen
  }
  if (direction.exchange >= 0) return first === undefined || first.exchange > direction.exchange
  // A response did not wait for this request, and so left it its number.
  return exchanges.unclaimed < exchanges.next && direction.releasedBefore < exchanges.released
}
