import { limits } from './limits.js'

/** A request that awaits its response. */
export interface PendingRequest {
  exchange: number
  /** `Direction.order` of it; -1 when it was not seen. */
  order: number
  /** Method and target as an HttpMessage holds them: two Avro unions of null and string. */
  target: Buffer
  /** Its response has no body (RFC 9112 section 6.3). */
  head: boolean
  /** A 2xx response turns the connection into a tunnel. */
  connect: boolean
}

/** Method and target not known: null and null. */
export const unknownTarget: Buffer = Buffer.from([0, 0])

/**
 * The exchanges of one connection as one end sees them: numbers requests, and answers each response with its request.
 *
 * A response whose request was not seen takes the next number itself; when that request turns up after all (its head
 * lost, or logged late), it takes the number the response left for it.
 */
export class Exchanges {
  /** Number of the next request. */
  next = 0
  /** From here to `next`: numbers taken by responses whose request has not turned up. */
  unclaimed = 0
  pending: PendingRequest[] = []
  pendingBytes = 0
  /** Messages of both directions that began. */
  begun = 0
  /** Requests numbered. */
  requests = 0
  /** Final responses numbered. */
  answers = 0
  /** Times a response took a number by itself. */
  released = 0
  /** This client was seen to send a request before the previous one was answered. */
  pipelines = false

  /**
   * Numbers a request.
   * @param order its place among the messages of both directions.
   * @param late it began before `released` last rose, so it may be the one a response did not wait for.
   */
  addRequest(target: Buffer, head: boolean, connect: boolean, order: number, late: boolean): number {
    this.requests++
    if (late && this.unclaimed < this.next) {
      const exchange = this.unclaimed++
      const waiting = this.pending.find((request) => request.exchange === exchange)
      if (waiting !== undefined) {
        this.pendingBytes += target.length - waiting.target.length
        Object.assign(waiting, { target, head, connect })
      }
      return exchange
    }
    const exchange = this.next++
    this.unclaimed = this.next
    this.#push({ exchange, order, target, head, connect })
    return exchange
  }

  /** A response will not wait for its request any longer. */
  release(): void {
    this.released++
    this.#push({ exchange: this.next++, order: -1, target: unknownTarget, head: false, connect: false })
  }

  /** The request that a response answers; there must be one pending. `final`: not an informational (1xx) response. */
  answer(final: boolean): PendingRequest {
    if (!final) return this.pending[0] as PendingRequest
    if (this.pending.length > 1) this.pipelines = true
    return this.#shift()
  }

  /** Whether a request that began before a message of this order awaits its response. */
  awaits(order: number): boolean {
    const first = this.pending[0]
    return first !== undefined && first.order < order
  }

  /**
   * Answers for a response of this order of which the head was lost. A client that does not pipeline sends a request
   * only after the response before, so what was pending before its last request has been answered by lost bytes too.
   * @param followed another response follows: the last request is left for it.
   */
  answerLost(order: number, followed: boolean): PendingRequest {
    if (!this.awaits(order) || (followed && this.pending.length === 1)) {
      this.released++
      return { exchange: this.next++, order: -1, target: unknownTarget, head: false, connect: false }
    }
    const answered = this.#shift()
    if (!this.pipelines) while (this.pending.length > 1) this.#shift()
    return answered
  }

  #shift(): PendingRequest {
    const answered = this.pending.shift() as PendingRequest
    this.pendingBytes -= answered.target.length
    this.answers++
    return answered
  }

  #push(request: PendingRequest): void {
    const { pending } = this
    pending.push(request)
    this.pendingBytes += request.target.length
    if (this.pendingBytes > limits.pendingBytes && request.target !== unknownTarget) {
      this.pendingBytes -= request.target.length - unknownTarget.length
      request.target = unknownTarget
    }
    // Nobody answers here, or the answers cannot be seen: the oldest will not be answered either.
    if (pending.length > limits.pendingRequests) this.pendingBytes -= (pending.shift() as PendingRequest).target.length
  }
}
