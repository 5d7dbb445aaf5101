import { type Direction, inHead, over } from './direction.js'
import type { Endpoint } from './endpoint.js'
import type { PendingRequest } from './exchanges.js'

/** No request that was seen can be meant. */
export const none = 0
/** It answers the last request that began before it. */
export const proven = 1
/** It may answer a request that was seen, or one that was lost. */
export const unproven = 2
/** What is sent next, or the close, will tell. */
export const notYet = 3
export type Proof = 0 | 1 | 2 | 3

/**
 * Whether responses and requests can no longer be counted against each other: messages of either may have been lost
 * since they were last known to be in step.
 */
export function isOutOfStep(endpoint: Endpoint): boolean {
  return endpoint.send.lossy || endpoint.receive.lossy
}

/**
 * What is known of the request of a response that began at this time (microseconds), where they are out of step:
 * docs/decisions/pairing-after-loss.md.
 */
export function proofOf(endpoint: Endpoint, responses: Direction, time: number): Proof {
  const { exchanges } = endpoint
  const count = exchanges.begunBy(time)
  if (count === 0) return none
  const requests = endpoint.other(responses)
  const last = exchanges.pending[count - 1] as PendingRequest
  // Another one was seen in part, or waits itself.
  if (isInHead(requests, time) || holdsBytesOf(requests, time)) return responses.waived ? unproven : notYet
  if (exchanges.pipelined > 0) {
    if (count > 1 || last.behindLoss) return unproven
  } else if (responses.lostUntil < last.time) {
    // No response can be hidden between the two, so no other request either.
    return proven
  }
  if (wholeUntil(endpoint, requests, last) >= time) return proven
  return last.lossBehind >= 0 || responses.waived || requests.phase === over ? unproven : notYet
}

/** Whether a direction holds bytes that passed by this time, microseconds. */
export function holdsBytesOf({ held }: Direction, time: number): boolean {
  return held[0] !== undefined && held[0].time <= time
}

function isInHead(requests: Direction, time: number): boolean {
  return requests.phase === inHead && requests.time <= time
}

/**
 * Whether bytes that were lost by this time (microseconds) held the answer to the first pending request and to no other.
 * @param followed the response that follows them begins at this time.
 */
export function isOnlyOneLost(endpoint: Endpoint, responses: Direction, time: number, followed: boolean): boolean {
  if (!isOutOfStep(endpoint)) return false
  const { pending } = endpoint.exchanges
  const [first, second] = pending
  const candidates = endpoint.exchanges.begunBy(time)
  if (first === undefined || first.behindLoss) return false
  if (!followed) return candidates === 1 && wholeUntil(endpoint, endpoint.other(responses), first) >= time
  // The last one is that of the response which follows.
  return candidates === 2 && second?.behindLoss === false && proofOf(endpoint, responses, time) === proven
}

/** Up to when (microseconds) no request can have been lost behind this one, one of the pending. */
function wholeUntil(endpoint: Endpoint, requests: Direction, request: PendingRequest): number {
  if (request.lossBehind >= 0) return request.lossBehind
  const first = requests.held[0]
  if (first !== undefined) return first.position <= requests.next ? first.time : requests.seenUntil
  if (endpoint.closedAt > 0) {
    const total = requests === endpoint.send ? endpoint.sentInAll : endpoint.receivedInAll
    // TCP's FIN takes one number of its own.
    if (total === requests.next || total === requests.next + 1) return Number.POSITIVE_INFINITY
  }
  return requests.seenUntil
}
