import { type Direction, over, type Seen, searching } from './direction.js'
import type { Endpoint } from './endpoint.js'
import type { PendingRequest } from './exchanges.js'
import { type Head, request } from './head.js'
import { holdsBytesOf, isOnlyOneLost, isOutOfStep, notYet, proofOf, proven } from './proof.js'
import { encodeTarget, isMethod } from './target.js'

/** Gives a message its exchange by its start line, in `head`. Whether a tunnel follows it. */
export function numberMessage(endpoint: Endpoint, direction: Direction, head: Head): MessageContext {
  direction.minor = head.minor
  if (direction.kind === request) {
    direction.target = encodeTarget(head)
    direction.exchange = numberRequest(endpoint, direction, head)
    return plain
  }
  const { status } = head
  direction.status = status
  const answered = answeredBy(endpoint, direction, status >= 200 || status === 101)
  direction.waived = false
  direction.exchange = answered.exchange
  direction.target = answered.target
  if (status === 101 || (answered.connect && status >= 200 && status < 300)) return tunnel
  return answered.head ? toHead : plain
}

function numberRequest({ exchanges }: Endpoint, direction: Direction, head: Head): number {
  const { target, time, lossy } = direction
  const toHead = isMethod(head, 'HEAD')
  const isConnect = isMethod(head, 'CONNECT')
  if (time <= exchanges.releasedAt) {
    const left = exchanges.releasedSince(time)
    if (exchanges.claim(left, target, toHead, isConnect)) return left
    if (exchanges.pipelined === 0) return exchanges.addAnswered()
  }
  return exchanges.addRequest(target, toHead, isConnect, time, lossy)
}

/** The request that a response answers. `final`: it is not an informational (1xx) response. */
function answeredBy(endpoint: Endpoint, responses: Direction, final: boolean): PendingRequest {
  const { exchanges } = endpoint
  const { time } = responses
  if (isOutOfStep(endpoint)) findRequest(endpoint, responses)
  else if (exchanges.pending.length === 0) exchanges.release(time, true)
  else if (final) exchanges.watchPipelining(time)
  const answered = exchanges.pending[0] as PendingRequest
  if (final) exchanges.take(1)
  return answered
}

/** Makes the request that a response answers, as far as that can be proven, the first of those pending. */
function findRequest(endpoint: Endpoint, responses: Direction): void {
  const { exchanges } = endpoint
  const { time } = responses
  const requests = endpoint.other(responses)
  const candidates = exchanges.begunBy(time)
  const pipelines = exchanges.pipelined > 0
  if (proofOf(endpoint, responses, time) === proven) {
    // Those before it were answered by lost bytes.
    exchanges.take(candidates - 1)
    // It is known to be unanswered until now: more informational responses need no other proof.
    const answered = exchanges.pending[0] as PendingRequest
    answered.time = time
  } else {
    // The oldest is answered by this one or was by a lost one; without pipelining that is so of all.
    exchanges.take(pipelines && !requests.lossy ? Math.min(1, candidates) : candidates)
    exchanges.release(time, candidates === 0 && !responses.lossy && !pipelines)
    if (pipelines) return
  }
  responses.lossy = false
  responses.lostUntil = -1
  if (requests.lostUntil <= time) requests.lossy = false
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
 * @param followed the next message of this direction begins with the bytes that were seen now.
 */
export function numberLost(endpoint: Endpoint, direction: Direction, seen: Seen, followed: boolean): void {
  const { exchanges } = endpoint
  if (direction.kind === request) {
    const answered = (followed && exchanges.pipelined === 0) || direction.time <= exchanges.releasedAt
    direction.exchange = exchanges.addLost(direction.time, answered)
    return
  }
  const time = followed ? seen.time : direction.lastTime
  if (isOnlyOneLost(endpoint, direction, time, followed)) {
    const answered = exchanges.pending[0] as PendingRequest
    exchanges.take(1)
    direction.exchange = answered.exchange
    direction.target = answered.target
    return
  }
  direction.exchange = exchanges.releaseLost(direction.time, !direction.lossy)
  // What the client sent since, it sent after it had the answers to these.
  if (!followed && exchanges.pipelined === 0) exchanges.take(exchanges.begunBy(time))
}

/**
 * Whether a response should wait: nobody asked for it, but its request may be logged a moment later, by another thread;
 * or which one it answers is plain only when it is known what was sent next. Where requests cannot be followed anyway,
 * or this one was sent before watching began, that is vain.
 * @param time when it began, microseconds.
 */
export function waitsForRequest(endpoint: Endpoint, direction: Direction, time: number): boolean {
  if (direction.waived) return false
  if (endpoint.exchanges.pending.length > 0) return waitsForProof(endpoint, direction, time)
  const requests = endpoint.other(direction)
  const { phase, lossy } = requests
  if (lossy && endpoint.exchanges.pipelined > 0) return false
  if (phase === over || (phase === searching && !holdsBytesOf(requests, time))) return false
  return endpoint.exchanges.requests > 0 || !endpoint.joinedLate
}

/** Whether what is sent next will tell which of the requests seen a response of this time answers. */
export function waitsForProof(endpoint: Endpoint, direction: Direction, time: number): boolean {
  return isOutOfStep(endpoint) && proofOf(endpoint, direction, time) === notYet
}

/**
 * Whether the message at hand was answered, or, as a response, another request was sent since its last bytes.
 * @param time of the bytes that follow, microseconds.
 */
export function exchangeWentOn(endpoint: Endpoint, direction: Direction, time: number): boolean {
  const { exchanges } = endpoint
  const first = exchanges.pending[0]
  if (direction.kind !== request) {
    const last = exchanges.pending[exchanges.begunBy(time) - 1]
    return last !== undefined && exchanges.pipelined === 0 && last.time > direction.lastTime
  }
  if (direction.exchange >= 0) return first === undefined || first.exchange > direction.exchange
  // A response did not wait for this request.
  return direction.time <= exchanges.releasedAt && exchanges.releasedAt < time
}
