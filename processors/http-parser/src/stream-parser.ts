import type { MissingReason } from '@syscribe/schemas'
import { findBoundary } from './boundary.js'
import { chunkData, chunksBroken, chunksEnd, collected, dataCr, followChunks, sizeStart } from './chunks.js'
import {
  type Direction,
  headless,
  idle,
  inChunks,
  inHead,
  inLength,
  nothing,
  over,
  partial,
  type Seen,
  searching,
  untilClose,
} from './direction.js'
import type { Endpoint } from './endpoint.js'
import { unknownTarget } from './exchanges.js'
import { bodyChunked, bodyOfRequest, bodyOfResponse, bodyToClose } from './framing.js'
import { cutShort, Head, malformed, parseHead, request, response, versionPrefixLength, whole } from './head.js'
import { limits } from './limits.js'
import { keep, keepInWindow } from './message-bytes.js'
import { CR, LF } from './octets.js'
import { encodeTarget, isMethod } from './target.js'

/** Takes the messages found. The bytes are valid during the call. */
export interface MessageSink {
  /**
   * @param raw `raw[start..end)` are the captured bytes of the message that `direction` describes.
   * @param head its head, parsed in `raw`; without a start line when that was not seen.
   */
  message(
    endpoint: Endpoint,
    direction: Direction,
    raw: Buffer,
    start: number,
    end: number,
    head: Head,
    seen: Seen,
  ): void
}

const noBytes = Buffer.alloc(0)

/**
 * Follows the messages of a direction through its bytes and gaps, which come in order. Everything it remembers is in
 * Endpoint and Direction; one parser serves all.
 */
export class StreamParser {
  readonly #head = new Head()
  readonly #sink: MessageSink
  /** What `data` left because the direction paused: `rest[restStart..restEnd)`. */
  rest: Buffer = noBytes
  restStart = 0
  restEnd = 0

  constructor(sink: MessageSink) {
    this.#sink = sink
  }

  /** Takes the next bytes. How many of them (and of those before) it left, because the direction paused. */
  data(endpoint: Endpoint, direction: Direction, bytes: Buffer, start: number, end: number, seen: Seen): number {
    let view = bytes
    let at = start
    let stop = end
    direction.from = at
    while (at < stop) {
      switch (direction.phase) {
        case idle: {
          while (at < stop && (view[at] === CR || view[at] === LF)) at++
          if (at === stop) return 0
          if (direction.tunnel) {
            direction.phase = over
            return 0
          }
          if (
            direction.kind === response &&
            endpoint.exchanges.pending.length === 0 &&
            versionPrefixLength(view, at, stop) >= 0 &&
            waitsForRequest(endpoint, direction)
          ) {
            direction.paused = true
            this.rest = view
            this.restStart = at
            this.restEnd = stop
            return stop - at
          }
          direction.begin(seen, endpoint.exchanges.released)
          direction.from = at
          direction.phase = inHead
          const headStop = Math.min(stop, at + limits.headBytes)
          const outcome = parseHead(view, at, headStop, direction.kind, this.#head)
          if (this.#head.hasLine) this.#sawLine(endpoint, direction)
          if (outcome === whole) {
            at = this.#endHead(endpoint, direction, view, this.#head.end, stop, seen)
          } else if (outcome === cutShort && stop - at < limits.headBytes) {
            keep(direction, view, at, stop)
            return 0
          } else {
            const bad = outcome === cutShort ? headStop : this.#head.badLine
            if (!this.#loseHead(endpoint, direction, view, at, bad, 'header section: malformed line')) return 0
            at = direction.skipped === partial ? bad : at + 1
          }
          break
        }
        case inHead: {
          const before = direction.size
          keep(direction, view, at, stop)
          direction.from = stop
          const kept = direction.bytes as Buffer
          const found = findHeadEnd(kept, direction.scan, direction.size)
          const headEnd = found > limits.headBytes ? -1 : found
          if (headEnd < 0 && direction.size < limits.headBytes && !this.#badSoFar(endpoint, direction, before)) {
            direction.scan = Math.max(0, direction.size - 2)
            return 0
          }
          const headStop = headEnd < 0 ? Math.min(direction.size, limits.headBytes) : headEnd
          const outcome = parseHead(kept, 0, headStop, direction.kind, this.#head)
          if (this.#head.hasLine) this.#sawLine(endpoint, direction)
          const size = direction.size
          if (outcome === whole) {
            // What is behind the head goes back to be read from the view.
            at = stop - (size - headEnd)
            direction.size = headEnd
            direction.from = at
            at = this.#endHead(endpoint, direction, view, at, stop, seen)
          } else {
            const bad = outcome === cutShort ? headStop : this.#head.badLine
            const behind = kept.subarray(0, size)
            direction.size = 0
            direction.bytes = null
            if (!this.#loseHead(endpoint, direction, behind, 0, bad, 'header section: malformed line')) return 0
            view = behind
            stop = size
            at = direction.skipped === partial ? bad : 1
          }
          break
        }
        case inLength: {
          const taken = Math.min(direction.remaining, stop - at)
          direction.remaining -= taken
          at += taken
          if (direction.remaining === 0) this.#finish(endpoint, direction, view, at, seen)
          break
        }
        case inChunks: {
          at = followChunks(direction, view, at, stop)
          if (direction.chunkPhase === chunksEnd) this.#finish(endpoint, direction, view, at, seen)
          else if (direction.chunkPhase === chunksBroken) {
            keep(direction, view, direction.from, at)
            this.#loseEnd(direction)
          }
          break
        }
        case untilClose:
          at = stop
          break
        case searching: {
          const boundary = this.#search(endpoint, direction, view, at, stop, seen)
          if (boundary === null) return 0
          view = boundary.view
          at = boundary.at
          stop = boundary.stop
          direction.from = at
          break
        }
        default:
          return 0
      }
    }
    if (direction.phase !== idle && direction.phase <= untilClose) keep(direction, view, direction.from, stop)
    return 0
  }

  /** Takes note that the next `length` bytes of the stream are missing. */
  gap(endpoint: Endpoint, direction: Direction, length: number, reason: MissingReason, seen: Seen): void {
    let left = length
    if (direction.phase === inLength) {
      const taken = Math.min(direction.remaining, left)
      if (direction.firstGap < 0) direction.firstGap = direction.size - direction.headSize
      direction.miss(taken, reason)
      direction.remaining -= taken
      left -= taken
      if (direction.remaining === 0) {
        direction.from = 0
        this.#finish(endpoint, direction, noBytes, 0, seen)
      }
    } else if (direction.phase === inChunks) {
      if (direction.firstGap < 0) direction.firstGap = collected(direction)
      direction.miss(left, reason)
      if (direction.chunkPhase === chunkData && left <= direction.remaining) {
        direction.remaining -= left
        if (direction.remaining === 0) direction.chunkPhase = dataCr
      } else {
        direction.fault = 'chunked: a chunk size is missing'
        this.#loseEnd(direction)
      }
      return
    } else if (direction.phase === untilClose) {
      if (direction.firstGap < 0) direction.firstGap = direction.size - direction.headSize
      direction.miss(left, reason)
      return
    }
    if (left === 0 || direction.phase === over) return
    if (direction.phase === idle) {
      if (direction.tunnel) {
        direction.phase = over
        return
      }
      direction.begin(seen, endpoint.exchanges.released)
      direction.phase = searching
      direction.skipped = headless
    } else if (direction.phase === inHead) {
      this.#gapInHead(endpoint, direction)
    } else {
      this.#turnOver(endpoint, direction, seen)
      if (untouched(direction)) direction.begin(seen, endpoint.exchanges.released)
      this.#flushWindow(direction, direction.windowSize)
    }
    direction.windowFresh = true
    direction.miss(left, reason)
    if (endpoint.established && direction.exchange < 0 && direction.skipped !== nothing) {
      if (direction.kind === request || endpoint.exchanges.pending.length > 0) this.#numberLost(endpoint, direction)
    }
    direction.turn = otherCount(endpoint, direction)
  }

  /** The stream ends here, or will not be followed further: what is unfinished is given out. */
  end(endpoint: Endpoint, direction: Direction, reason: MissingReason, seen: Seen): void {
    if (direction.phase === inHead && direction.size > 0) {
      const kept = direction.bytes as Buffer
      const outcome = parseHead(kept, 0, direction.size, direction.kind, this.#head)
      if (outcome === malformed) {
        const behind = kept.subarray(0, direction.size)
        const bad = this.#head.badLine
        direction.size = 0
        direction.bytes = null
        if (!this.#loseHead(endpoint, direction, behind, 0, bad, 'header section: malformed line')) return
        if (this.data(endpoint, direction, behind, direction.skipped === partial ? bad : 1, behind.length, seen) > 0)
          return
      } else {
        this.#gapInHead(endpoint, direction)
        direction.reason ??= reason
      }
    }
    if (direction.phase === inLength || direction.phase === inChunks) {
      const known = direction.phase === inLength || direction.chunkPhase === chunkData
      direction.reason ??= reason
      if (known) direction.missing += direction.remaining
      this.#finish(endpoint, direction, noBytes, 0, seen)
    } else if (direction.phase === untilClose) {
      if (reason !== 'connection_closed') direction.reason ??= reason
      this.#finish(endpoint, direction, noBytes, 0, seen)
    } else if (direction.phase === searching) {
      this.#flushWindow(direction, direction.windowSize)
      this.#emitLost(endpoint, direction, seen)
      direction.forgetMessage()
    }
  }

  /** This connection is not, or no longer, HTTP/1: nothing of it is looked at from here on. */
  abandon(endpoint: Endpoint): void {
    for (const direction of [endpoint.send, endpoint.receive]) {
      direction.forgetMessage()
      direction.phase = over
      direction.paused = false
      direction.held = []
      direction.heldBytes = 0
    }
  }

  #sawLine(endpoint: Endpoint, direction: Direction): void {
    direction.hasLine = true
    endpoint.established = true
    endpoint.searchTurns = 0
  }

  /** The head, in `#head`, is whole and ends at `at`. Where to go on. */
  #endHead(endpoint: Endpoint, direction: Direction, view: Buffer, at: number, stop: number, seen: Seen): number {
    const head = this.#head
    const { exchanges } = endpoint
    direction.headSize = head.end - head.start
    direction.minor = head.minor
    let body: number
    let tunnel = false
    if (direction.kind === request) {
      this.#numberRequest(endpoint, direction)
      body = bodyOfRequest(head)
    } else {
      const { status } = head
      direction.status = status
      if (exchanges.pending.length === 0) exchanges.release()
      const answered = exchanges.answer(status >= 200 || status === 101)
      direction.exchange = answered.exchange
      direction.target = answered.target
      tunnel = status === 101 || (answered.connect && status >= 200 && status < 300)
      body = tunnel ? 0 : bodyOfResponse(head, answered.head)
    }
    if (body === 0) {
      this.#finish(endpoint, direction, view, at, seen)
      if (!tunnel) return at
      this.#becomeTunnel(endpoint, direction)
      return stop
    }
    if (body > 0) {
      direction.phase = inLength
      direction.remaining = body
    } else if (body === bodyChunked) {
      direction.phase = inChunks
      direction.chunkPhase = sizeStart
    } else if (body === bodyToClose) direction.phase = untilClose
    else {
      direction.fault = 'the length of the body is not valid'
      keep(direction, view, direction.from, at)
      direction.from = at
      this.#loseEnd(direction)
    }
    return at
  }

  #numberRequest(endpoint: Endpoint, direction: Direction): void {
    const head = this.#head
    const late = direction.releasedBefore < endpoint.exchanges.released
    direction.target = encodeTarget(head)
    direction.exchange = endpoint.exchanges.addRequest(
      direction.target,
      isMethod(head, 'HEAD'),
      isMethod(head, 'CONNECT'),
      late,
    )
  }

  /** The message is whole and ends at `at`. */
  #finish(endpoint: Endpoint, direction: Direction, view: Buffer, at: number, seen: Seen): void {
    if (direction.size === 0) {
      this.#sink.message(endpoint, direction, view, direction.from, at, this.#head, seen)
    } else {
      if (at > direction.from) keep(direction, view, direction.from, at)
      const bytes = direction.bytes as Buffer
      parseHead(bytes, 0, direction.headSize, direction.kind, this.#head)
      this.#sink.message(endpoint, direction, bytes, 0, direction.size, this.#head, seen)
    }
    direction.forgetMessage()
    direction.waived = false
    direction.phase = idle
    direction.from = at
  }

  /** What follows on this connection is not HTTP (RFC 9110 sections 7.8 and 9.3.6). */
  #becomeTunnel(endpoint: Endpoint, direction: Direction): void {
    const other = endpoint.other(direction)
    if (other.phase === inLength || other.phase === inChunks) {
      other.tunnel = true
      direction.phase = over
      direction.held = []
      direction.heldBytes = 0
    } else this.abandon(endpoint)
  }

  /** Whether the head kept so far is known to be malformed. Looks only when something new can be known. */
  #badSoFar(endpoint: Endpoint, direction: Direction, before: number): boolean {
    if (direction.hasLine) return false
    const kept = direction.bytes as Buffer
    if (direction.size > 512 && !kept.subarray(before, direction.size).includes(LF)) return false
    const outcome = parseHead(kept, 0, direction.size, direction.kind, this.#head)
    if (this.#head.hasLine) this.#sawLine(endpoint, direction)
    return outcome === malformed
  }

  /**
   * The head that begins at `view[start]` cannot be read on from `bad`. With a start line it is a message of which the
   * end is not known; without, it is nothing: then the connection was never HTTP, and false is returned, or what
   * follows is searched for the next message.
   */
  #loseHead(
    endpoint: Endpoint,
    direction: Direction,
    view: Buffer,
    start: number,
    bad: number,
    fault: string,
  ): boolean {
    if (direction.hasLine) {
      keep(direction, view, start, bad)
      direction.headSize = direction.size
      direction.fault = fault
      if (direction.exchange < 0) this.#numberPartial(endpoint, direction)
      this.#loseEnd(direction)
      return true
    }
    if (!endpoint.established && !endpoint.joinedLate) {
      this.abandon(endpoint)
      return false
    }
    direction.forgetMessage()
    direction.phase = searching
    direction.windowFresh = false
    direction.turn = otherCount(endpoint, direction)
    return true
  }

  /** Bytes of the head are missing behind what is kept of it. */
  #gapInHead(endpoint: Endpoint, direction: Direction): void {
    direction.headSize = direction.size
    direction.phase = searching
    if (direction.hasLine) {
      parseHead(direction.bytes as Buffer, 0, direction.size, direction.kind, this.#head)
      direction.skipped = partial
      this.#numberPartial(endpoint, direction)
    } else {
      direction.skipped = headless
      direction.headSize = 0
    }
  }

  /** Numbers a message by its start line, in `#head`. */
  #numberPartial(endpoint: Endpoint, direction: Direction): void {
    direction.minor = this.#head.minor
    if (direction.kind === request) {
      this.#numberRequest(endpoint, direction)
      return
    }
    const { exchanges } = endpoint
    direction.status = this.#head.status
    if (exchanges.pending.length === 0) exchanges.release()
    const answered = exchanges.answer(direction.status >= 200 || direction.status === 101)
    direction.exchange = answered.exchange
    direction.target = answered.target
  }

  /** Numbers a message of which not even the start line is known. */
  #numberLost(endpoint: Endpoint, direction: Direction): void {
    const { exchanges } = endpoint
    if (direction.kind === request) {
      direction.exchange = exchanges.addRequest(unknownTarget, false, false, true)
      return
    }
    if (exchanges.pending.length === 0) exchanges.release()
    const answered = exchanges.answerLost()
    direction.exchange = answered.exchange
    direction.target = answered.target
  }

  /** Where the message ends is not known any more. */
  #loseEnd(direction: Direction): void {
    direction.phase = searching
    direction.skipped = partial
    direction.reason ??= 'lost'
    direction.windowFresh = true
  }

  /** Looks for the next message; null when it is not there yet. */
  #search(
    endpoint: Endpoint,
    direction: Direction,
    view: Buffer,
    at: number,
    stop: number,
    seen: Seen,
  ): { view: Buffer; at: number; stop: number } | null {
    this.#turnOver(endpoint, direction, seen)
    if (untouched(direction)) direction.begin(seen, endpoint.exchanges.released)
    direction.turn = otherCount(endpoint, direction)
    if (this.#searchedInVain(endpoint, direction, stop - at, seen)) return null

    const inView = direction.windowSize === 0
    if (!inView) keepInWindow(direction, view, at, stop)
    const window = inView ? view.subarray(at, stop) : (direction.window as Buffer).subarray(0, direction.windowSize)
    const boundary = findBoundary(window, direction.windowScan, direction.windowFresh, direction.kind)
    if (boundary.at < 0) {
      if (inView) keepInWindow(direction, view, at, stop)
      direction.windowScan = boundary.resume
      // Half of it at least goes, so that shifting the rest costs little.
      const passed = boundary.resume - limits.lookBackBytes
      if (passed > 2 * limits.lookBackBytes) {
        this.#flushWindow(direction, passed)
        direction.windowFresh = false
      }
      return null
    }
    if (direction.kind === 0) {
      direction.kind = boundary.kind
      endpoint.other(direction).kind = boundary.kind === request ? response : request
    }
    endpoint.established = true
    endpoint.searchTurns = 0
    if (direction.skipped !== nothing) keep(direction, window, 0, boundary.at)
    this.#emitLost(endpoint, direction, seen)
    direction.forgetMessage()
    direction.phase = idle
    return { view: window, at: boundary.at, stop: window.length }
  }

  /** Gives up a connection in which both sides speak and no message of HTTP is found. */
  #searchedInVain(endpoint: Endpoint, direction: Direction, bytes: number, seen: Seen): boolean {
    const side = direction === endpoint.send ? 'send' : 'recv'
    if (endpoint.lastSearched !== side) endpoint.searchTurns++
    endpoint.lastSearched = side
    direction.searched += bytes
    const vain = endpoint.searchTurns > limits.searchTurns
    if (!vain && (endpoint.established || direction.searched <= limits.searchBytes)) return false
    for (const each of [endpoint.send, endpoint.receive]) {
      if (each.phase !== searching) continue
      this.#flushWindow(each, each.windowSize)
      this.#emitLost(endpoint, each, seen)
    }
    this.abandon(endpoint)
    return true
  }

  /**
   * New bytes where the end of a message was lost: when the exchange has meanwhile gone on, on the other direction,
   * they belong to another message.
   */
  #turnOver(endpoint: Endpoint, direction: Direction, seen: Seen): void {
    if (direction.exchange < 0 || otherCount(endpoint, direction) === direction.turn) return
    if (direction.kind === response && endpoint.exchanges.pending.length === 0) return
    this.#flushWindow(direction, direction.windowSize)
    this.#emitLost(endpoint, direction, seen)
    direction.forgetMessage()
    direction.begin(seen, endpoint.exchanges.released)
    direction.skipped = headless
    direction.reason = 'lost'
    this.#numberLost(endpoint, direction)
  }

  /** Moves the first `length` bytes of the window to the message they are skipped for. */
  #flushWindow(direction: Direction, length: number): void {
    const { window, windowSize } = direction
    if (window === null) return
    if (direction.skipped !== nothing) keep(direction, window, 0, length)
    if (length === windowSize) {
      direction.window = null
      direction.windowSize = 0
      direction.windowScan = 0
      return
    }
    window.copyWithin(0, length, windowSize)
    direction.windowSize = windowSize - length
    direction.windowScan -= length
  }

  #emitLost(endpoint: Endpoint, direction: Direction, seen: Seen): void {
    const { skipped } = direction
    if (skipped === nothing || (skipped === headless && !endpoint.established)) return
    if (direction.size === 0 && direction.missing === 0) return
    if (direction.exchange < 0) this.#numberLost(endpoint, direction)
    const bytes = direction.bytes ?? noBytes
    if (skipped === partial) parseHead(bytes, 0, direction.headSize, direction.kind, this.#head)
    else this.#head.reset(bytes, 0)
    direction.reason ??= 'lost'
    this.#sink.message(endpoint, direction, bytes, 0, direction.size, this.#head, seen)
  }
}

/** Whether nothing of the message at hand was seen yet. */
function untouched(direction: Direction): boolean {
  return direction.size === 0 && direction.windowSize === 0 && direction.missing === 0
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

/** How far the exchange went on, on the other direction. */
function otherCount(endpoint: Endpoint, direction: Direction): number {
  return direction.kind === request ? endpoint.exchanges.answers : endpoint.exchanges.requests
}

/** Behind the first empty line at or after `from`; -1 when there is none. */
function findHeadEnd(bytes: Buffer, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    at = bytes.indexOf(LF, at)
    if (at < 0 || at + 1 >= end) return -1
    if (bytes[at + 1] === LF) return at + 2
    if (bytes[at + 1] === CR && at + 2 < end && bytes[at + 2] === LF) return at + 3
  }
  return -1
}
