import type { MissingReason } from '@syscribe/schemas'
import { BoundarySearch, untouched } from './boundary-search.js'
import { chunkData, chunksBroken, chunksEnd, collected, dataCr, followChunks, sizeStart } from './chunks.js'
import {
  type Direction,
  headless,
  idle,
  inChunks,
  inHead,
  inLength,
  over,
  partial,
  type Seen,
  searching,
  untilClose,
} from './direction.js'
import type { Endpoint } from './endpoint.js'
import { bodyChunked, bodyOfRequest, bodyOfResponse, bodyToClose } from './framing.js'
import { cutShort, Head, malformed, parseHead, request, response, versionPrefixLength, whole } from './head.js'
import { limits } from './limits.js'
import { keep } from './message-bytes.js'
import type { MessageSink } from './message-sink.js'
import { numberMessage, waitsForRequest } from './numbering.js'
import { CR, LF } from './octets.js'
import { isOutOfStep } from './proof.js'

const noBytes = Buffer.alloc(0)

/**
 * Follows the messages of a direction through its bytes and gaps, which come in order. Everything it remembers is in
 * Endpoint and Direction; one parser serves all.
 */
export class StreamParser {
  readonly #head = new Head()
  readonly #sink: MessageSink
  readonly #searching: BoundarySearch
  /** What `data` left because the direction paused: `rest[restStart..restEnd)`. */
  rest: Buffer = noBytes
  restStart = 0
  restEnd = 0

  constructor(sink: MessageSink) {
    this.#sink = sink
    this.#searching = new BoundarySearch(sink)
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
            (endpoint.exchanges.pending.length === 0 || isOutOfStep(endpoint)) &&
            versionPrefixLength(view, at, stop) >= 0 &&
            waitsForRequest(endpoint, direction, seen.time)
          ) {
            return this.#pause(direction, view, at, stop)
          }
          direction.begin(seen)
          direction.from = at
          direction.phase = inHead
          const headStop = Math.min(stop, at + limits.headBytes)
          const outcome = parseHead(view, at, headStop, direction.kind, this.#head)
          if (this.#head.hasLine) sawLine(endpoint, direction)
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
          if (this.#head.hasLine) sawLine(endpoint, direction)
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
          const boundary = this.#searching.search(endpoint, direction, view, at, stop, seen)
          if (boundary === null) return 0
          view = boundary.view
          at = boundary.at
          stop = boundary.stop
          if (direction.phase === searching) return this.#pause(direction, view, at, stop)
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

  /** Leaves the rest for later. How many bytes that is. */
  #pause(direction: Direction, view: Buffer, at: number, stop: number): number {
    direction.paused = true
    this.rest = view
    this.restStart = at
    this.restEnd = stop
    return stop - at
  }

  /**
   * Takes note that the next `length` bytes of the stream are missing.
   * @param from they passed after this time, microseconds, and at that of `seen` at the latest.
   */
  gap(endpoint: Endpoint, direction: Direction, length: number, reason: MissingReason, seen: Seen, from: number): void {
    let left = length
    // A boundary may have been in there: what was searched so far says nothing against HTTP.
    if (endpoint.established) endpoint.searchTurns = 0
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
        loseMessages(endpoint, direction, from, seen.time)
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
      direction.begin(seen)
      direction.phase = searching
      direction.skipped = headless
    } else if (direction.phase === inHead) {
      this.#gapInHead(endpoint, direction)
    } else {
      this.#searching.turnOver(endpoint, direction, seen)
      if (untouched(direction)) direction.begin(seen)
      this.#searching.flushWindow(direction, direction.windowSize)
    }
    direction.windowAtLine = false
    direction.miss(left, reason)
    loseMessages(endpoint, direction, from, seen.time)
  }

  /** The stream ends here, or will not be followed further: what is unfinished is given out. */
  end(endpoint: Endpoint, direction: Direction, reason: MissingReason, seen: Seen): void {
    while (direction.phase === inHead) {
      const kept = direction.bytes as Buffer
      if (parseHead(kept, 0, direction.size, direction.kind, this.#head) !== malformed) {
        this.#gapInHead(endpoint, direction)
        direction.reason ??= reason
        break
      }
      this.#readAgain(endpoint, direction, kept.subarray(0, direction.size), this.#head.badLine, seen)
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
      this.#searching.flushWindow(direction, direction.windowSize)
      this.#searching.emitLost(endpoint, direction, seen)
      direction.forgetMessage()
    }
  }

  /** The head kept so far turned out malformed from `bad`; what is behind that is read again, and nothing waited for. */
  #readAgain(endpoint: Endpoint, direction: Direction, kept: Buffer, bad: number, seen: Seen): void {
    direction.size = 0
    direction.bytes = null
    if (!this.#loseHead(endpoint, direction, kept, 0, bad, 'header section: malformed line')) return
    const from = direction.skipped === partial ? bad : 1
    let left = this.data(endpoint, direction, kept, from, kept.length, seen)
    while (left > 0) {
      direction.paused = false
      direction.waived = true
      left = this.data(endpoint, direction, this.rest, this.restStart, this.restEnd, seen)
    }
  }

  /** The head, in `#head`, is whole and ends at `at`. Where to go on. */
  #endHead(endpoint: Endpoint, direction: Direction, view: Buffer, at: number, stop: number, seen: Seen): number {
    const head = this.#head
    direction.headSize = head.end - head.start
    const { toHead, tunnel } = numberMessage(endpoint, direction, head)
    const body = tunnel ? 0 : direction.kind === request ? bodyOfRequest(head) : bodyOfResponse(head, toHead)
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
    } else endpoint.abandon()
  }

  /** Whether the head kept so far is known to be malformed. Looks only when something new can be known. */
  #badSoFar(endpoint: Endpoint, direction: Direction, before: number): boolean {
    if (direction.hasLine) return false
    const kept = direction.bytes as Buffer
    if (direction.size > 512 && !kept.subarray(before, direction.size).includes(LF)) return false
    const outcome = parseHead(kept, 0, direction.size, direction.kind, this.#head)
    if (this.#head.hasLine) sawLine(endpoint, direction)
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
      if (direction.exchange < 0) numberMessage(endpoint, direction, this.#head)
      this.#loseEnd(direction)
      direction.windowAtLine = view[bad - 1] === LF
      return true
    }
    if (!endpoint.established && !endpoint.joinedLate) {
      endpoint.abandon()
      return false
    }
    direction.forgetMessage()
    direction.phase = searching
    direction.windowAtLine = false
    return true
  }

  /** Bytes of the head are missing behind what is kept of it. */
  #gapInHead(endpoint: Endpoint, direction: Direction): void {
    direction.headSize = direction.size
    direction.phase = searching
    if (direction.hasLine) {
      parseHead(direction.bytes as Buffer, 0, direction.size, direction.kind, this.#head)
      direction.skipped = partial
      numberMessage(endpoint, direction, this.#head)
    } else {
      direction.skipped = headless
      direction.headSize = 0
      direction.waived = false
    }
  }

  /** Where the message ends is not known any more. */
  #loseEnd(direction: Direction): void {
    direction.phase = searching
    direction.skipped = partial
    direction.reason ??= 'lost'
    direction.windowAtLine = false
  }
}

/** Messages may have begun in the bytes that are missing: responses cannot be counted against requests any more. */
function loseMessages(endpoint: Endpoint, direction: Direction, from: number, until: number): void {
  direction.lose(until)
  if (direction.kind !== response) endpoint.exchanges.loseRequests(from)
}

/** A start line of HTTP/1 was read: so that is what this connection speaks. */
function sawLine(endpoint: Endpoint, direction: Direction): void {
  direction.hasLine = true
  endpoint.established = true
  endpoint.searchTurns = 0
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
