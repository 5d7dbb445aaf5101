import { findBoundary } from './boundary.js'
import { type Direction, headless, idle, nothing, partial, type Seen, searching } from './direction.js'
import type { Endpoint } from './endpoint.js'
import { Head, parseHead, request, response } from './head.js'
import { limits } from './limits.js'
import { keep, keepInWindow } from './message-bytes.js'
import type { MessageSink } from './message-sink.js'
import { exchangeWentOn, numberLost, waitsForProof } from './numbering.js'

const noBytes = Buffer.alloc(0)

/**
 * Finds the next message where the boundary of messages was lost, and gives out the message that was lost there.
 *
 * The bytes that are searched lie in a window of each direction; what leaves it without a boundary found goes to the
 * lost message.
 */
export class BoundarySearch {
  readonly #head = new Head()
  readonly #sink: MessageSink

  constructor(sink: MessageSink) {
    this.#sink = sink
  }

  /**
   * Looks for the next message in the window and `view[at..stop)`; null when it is not there yet. The direction goes on
   * searching when the message found, a response, has to wait.
   */
  search(
    endpoint: Endpoint,
    direction: Direction,
    view: Buffer,
    at: number,
    stop: number,
    seen: Seen,
  ): { view: Buffer; at: number; stop: number } | null {
    this.turnOver(endpoint, direction, seen)
    if (untouched(direction)) direction.begin(seen)
    if (this.#searchedInVain(endpoint, direction, stop - at, seen)) return null

    const inView = direction.windowSize === 0
    if (!inView) keepInWindow(direction, view, at, stop)
    const window = inView ? view.subarray(at, stop) : (direction.window as Buffer).subarray(0, direction.windowSize)
    const boundary = findBoundary(window, direction.windowScan, direction.windowAtLine, direction.kind)
    if (boundary.at < 0) {
      if (inView) keepInWindow(direction, view, at, stop)
      direction.windowScan = boundary.resume
      // Half of it at least goes, so that shifting the rest costs little.
      const passed = boundary.resume - limits.lookBackBytes
      if (passed > 2 * limits.lookBackBytes) {
        this.flushWindow(direction, passed)
        direction.windowAtLine = false
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
    if (boundary.kind === response && !direction.waived && waitsForProof(endpoint, direction, seen.time)) {
      direction.window = null
      direction.windowSize = 0
      direction.windowScan = 0
      return { view: window, at: boundary.at, stop: window.length }
    }
    this.emitLost(endpoint, direction, seen, true)
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
      this.flushWindow(each, each.windowSize)
      this.emitLost(endpoint, each, seen)
    }
    endpoint.abandon()
    return true
  }

  /**
   * New bytes where the end of a message was lost: when the exchange has meanwhile gone on, they belong to another
   * message. So exchanges are told apart even where nothing of them can be read.
   */
  turnOver(endpoint: Endpoint, direction: Direction, seen: Seen): void {
    if (direction.skipped === nothing || untouched(direction) || !exchangeWentOn(endpoint, direction, seen.time)) return
    this.flushWindow(direction, direction.windowSize)
    this.emitLost(endpoint, direction, seen)
    direction.forgetMessage()
    direction.begin(seen)
    direction.skipped = headless
    direction.reason = 'lost'
  }

  /** Moves the first `length` bytes of the window to the message they are skipped for. */
  flushWindow(direction: Direction, length: number): void {
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

  /** @param followed the begin of the next message was found. */
  emitLost(endpoint: Endpoint, direction: Direction, seen: Seen, followed = false): void {
    const { skipped } = direction
    if (skipped === nothing || (skipped === headless && !endpoint.established)) return
    if (direction.size === 0 && direction.missing === 0) return
    if (direction.exchange < 0) numberLost(endpoint, direction, seen, followed)
    const bytes = direction.bytes ?? noBytes
    if (skipped === partial) parseHead(bytes, 0, direction.headSize, direction.kind, this.#head)
    else this.#head.reset(bytes, 0)
    direction.reason ??= 'lost'
    this.#sink.message(endpoint, direction, bytes, 0, direction.size, this.#head, seen)
  }
}

/** Whether nothing of the message at hand was seen yet. */
export function untouched(direction: Direction): boolean {
  return direction.size === 0 && direction.windowSize === 0 && direction.missing === 0
}
