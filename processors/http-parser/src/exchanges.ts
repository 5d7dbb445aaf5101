import { limits } from './limits.js'

/** A request that awaits its response. */
export interface PendingRequest {
  exchange: number
  /** When its first byte passed, microseconds. */
  time: number
  /** Method and target as an HttpMessage holds them: two Avro unions of null and string. */
  target: Buffer
  /** Its response has no body (RFC 9112 section 6.3). */
  head: boolean
  /** A 2xx response turns the connection into a tunnel. */
  connect: boolean
  /** Other requests may have been lost just before it. */
  behindLoss: boolean
  /** Requests may have been lost behind it, none before this time (microseconds); -1 when that is not so. */
  lossBehind: number
}

/** Method and target not known: null and null. */
export const unknownTarget: Buffer = Buffer.from([0, 0])

/**
 * The exchanges of one connection as one end sees them: numbers requests, and keeps those that await their response, in
 * the order they were sent. Which of them a response answers, numbering.ts says.
 *
 * A response whose request was not seen takes the next number itself; when that request turns up after all (its head
 * lost, or logged late), it takes the number the response left for it.
 */
export class Exchanges {
  /** Number of the next request. */
  next = 0
  /** From here to `next`: numbers taken by responses whose request has not turned up, and may. */
  unclaimed = 0
  pending: PendingRequest[] = []
  pendingBytes = 0
  /** Requests numbered. */
  requests = 0
  /** When the last response began that took a number by itself, and the one before it, microseconds. */
  releasedAt = -1
  releasedBefore = -1
  /** Above 0: this client was seen to send a request before the previous one was answered, lately. */
  pipelined = 0
  /** One that was answered: used again for the next, so that an exchange makes no garbage. A cache. */
  #spare: PendingRequest | null = null

  /**
   * Numbers a request.
   * @param time when it began, microseconds.
   * @param behindLoss other requests may have been lost just before it.
   */
  addRequest(target: Buffer, head: boolean, connect: boolean, time: number, behindLoss: boolean): number {
    this.requests++
    const exchange = this.next++
    this.unclaimed = this.next
    this.#push(exchange, target, head, connect, time, behindLoss)
    return exchange
  }

  /**
   * Gives a request the number that a response left for it which did not wait.
   * @param exchange the number, if it is one of those that may be claimed.
   * @returns whether it is.
   */
  claim(exchange: number, target: Buffer, head: boolean, connect: boolean): boolean {
    if (exchange < this.unclaimed || exchange >= this.next) return false
    this.requests++
    this.unclaimed = this.next
    const waiting = this.pending.find((request) => request.exchange === exchange)
    if (waiting !== undefined) {
      this.pendingBytes += target.length - waiting.target.length
      Object.assign(waiting, { target, head, connect })
    }
    return true
  }

  /** The number taken by the one response that began since this time (microseconds) and did not wait; else `next`. */
  releasedSince(time: number): number {
    return this.releasedBefore < time && time <= this.releasedAt ? this.next - 1 : this.next
  }

  /**
   * Numbers requests of which the heads were lost, as one.
   * @param time when the first of their bytes that were seen passed, microseconds.
   * @param answered their responses have passed.
   */
  addLost(time: number, answered: boolean): number {
    const { unclaimed } = this
    if (this.claim(unclaimed, unknownTarget, false, false)) return unclaimed
    return answered ? this.addAnswered() : this.addRequest(unknownTarget, false, false, time, true)
  }

  /** Numbers a request of which the response has passed, it is not known which. */
  addAnswered(): number {
    this.requests++
    this.unclaimed = this.next + 1
    return this.next++
  }

  /**
   * A response that begins at this time takes a number by itself, and becomes the first that is pending.
   * @param awaited its request may yet turn up.
   */
  release(time: number, awaited: boolean): void {
    const exchange = this.releaseLost(time, awaited)
    this.pending.unshift({ ...blank(), exchange, time, behindLoss: this.pipelined > 0 })
    this.pendingBytes += unknownTarget.length
  }

  /** So does a response of which the head was lost. The number. */
  releaseLost(time: number, awaited: boolean): number {
    this.releasedBefore = this.releasedAt
    this.releasedAt = time
    const exchange = this.next++
    if (!awaited) this.unclaimed = this.next
    return exchange
  }

  /** Takes note whether the client pipelines, when a response that begins at this time answers the first pending one. */
  watchPipelining(time: number): void {
    const { pending } = this
    if (pending.length > 1 && (pending[1] as PendingRequest).time < time) this.pipelined = limits.pipeliningMemory
    else if (this.pipelined > 0) this.pipelined--
  }

  /** How many of those pending began by this time (microseconds). */
  begunBy(time: number): number {
    let count = this.pending.length
    while (count > 0 && (this.pending[count - 1] as PendingRequest).time > time) count--
    return count
  }

  /** Removes the first `count` of those pending. They are valid until a request is added. */
  take(count: number): void {
    for (let left = count; left > 0; left--) {
      const taken = this.pending.shift() as PendingRequest
      this.pendingBytes -= taken.target.length
      this.#spare = taken
    }
  }

  /** Bytes in which requests may have begun were lost, none of them before this time, microseconds. */
  loseRequests(from: number): void {
    const last = this.pending[this.pending.length - 1]
    if (last !== undefined && last.lossBehind < 0) last.lossBehind = from
  }

  #push(exchange: number, target: Buffer, head: boolean, connect: boolean, time: number, behindLoss: boolean): void {
    const { pending } = this
    if (pending.length > 0 && target !== unknownTarget) {
      const last = pending[pending.length - 1] as PendingRequest
      // By one system call.
      if (last.time === time && last.target !== unknownTarget) this.pipelined = limits.pipeliningMemory
    }
    const request = this.#spare ?? blank()
    this.#spare = null
    request.exchange = exchange
    request.target = target
    request.head = head
    request.connect = connect
    request.time = time
    request.behindLoss = behindLoss
    request.lossBehind = -1
    pending.push(request)
    this.pendingBytes += target.length
    if (this.pendingBytes > limits.pendingBytes && target !== unknownTarget) {
      this.pendingBytes -= target.length - unknownTarget.length
      request.target = unknownTarget
    }
    // Nobody answers here, or the answers cannot be seen: the oldest will not be answered either.
    if (pending.length > limits.pendingRequests) this.take(1)
  }
}

function blank(): PendingRequest {
  return {
    exchange: 0,
    time: 0,
    target: unknownTarget,
    head: false,
    connect: false,
    behindLoss: false,
    lossBehind: -1,
  }
}
