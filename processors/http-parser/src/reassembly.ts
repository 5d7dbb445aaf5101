import type { MissingReason } from '@syscribe/schemas'
import { type Direction, type HeldPiece, over, type Seen } from './direction.js'
import type { Endpoint } from './endpoint.js'
import { request } from './head.js'
import { limits } from './limits.js'
import { waitsForRequest } from './numbering.js'
import type { StreamParser } from './stream-parser.js'

/** Bytes of a stream that one record tells of: `bytes[start..end)` captured, and `gap` more behind them not. */
export interface Piece {
  position: number
  bytes: Buffer
  start: number
  end: number
  gap: number
  reason: MissingReason
}

/**
 * Puts the pieces of each direction in the order of their positions before they are parsed. Two threads may use one
 * socket, so records can come slightly out of order: a piece behind a hole is held until the hole is filled, or until
 * it is plain that it will not be.
 */
export class Reassembly {
  readonly #parser: StreamParser

  constructor(parser: StreamParser) {
    this.#parser = parser
  }

  take(endpoint: Endpoint, direction: Direction, piece: Piece, seen: Seen): void {
    if (direction.phase === over) return
    // A response that waits for what is sent next goes first.
    const { paused } = endpoint.other(direction)
    const mayPass = !paused || endpoint.exchanges.pending.length === 0
    if (mayPass && direction.held.length === 0 && piece.position === direction.next) {
      this.#feed(endpoint, direction, piece, seen)
    } else {
      const rest = behind(piece, direction.next)
      if (rest === null) return
      if (mayPass && rest.position === direction.next && !direction.paused) this.#feed(endpoint, direction, rest, seen)
      else hold(direction, rest, seen)
    }
    this.settle(endpoint, seen.time)
  }

  /**
   * Feeds what need not wait any longer at this time (microseconds), of both directions in the order it passed: that
   * is how requests and responses are paired.
   */
  settle(endpoint: Endpoint, time: number): void {
    const { send, receive } = endpoint
    for (;;) {
      const [first, second] = timeOf(send) <= timeOf(receive) ? [send, receive] : [receive, send]
      const full = isFull(first) || isFull(second)
      if (this.#settleOne(endpoint, first, time, full)) continue
      // What waits for the request may wait for the second one.
      const mayPass = first.held.length === 0 || first.paused
      if (!mayPass || !this.#settleOne(endpoint, second, time, full)) return
    }
  }

  /** Waits for nothing any more on this direction, which was `total` bytes long in all (-1 not known), and ends it. */
  finish(endpoint: Endpoint, direction: Direction, total: number, reason: MissingReason, seen: Seen): void {
    this.settle(endpoint, Number.POSITIVE_INFINITY)
    const lacking = direction.next < 0 ? 0 : total - direction.next
    // TCP's FIN takes one number of its own, so the last position can be one beyond the last byte.
    if (lacking > 1 && direction.phase !== over) {
      this.#parser.gap(endpoint, direction, lacking, 'lost', seen, direction.seenUntil)
      direction.next = total
    }
    this.#parser.end(endpoint, direction, reason, seen)
  }

  /** Feeds the first piece held, unless it has to wait, for which there is no room when `full`. Whether it did. */
  #settleOne(endpoint: Endpoint, direction: Direction, time: number, full: boolean): boolean {
    const first = direction.held[0]
    if (first === undefined) return false
    if (direction.paused && !waitsForRequest(endpoint, direction, first.time)) direction.paused = false
    if (direction.paused || first.position > direction.next) {
      if (!full && time - direction.heldSince < limits.waitMicros) return false
      this.#giveUp(endpoint, direction)
      if (direction.held[0] !== first) return true
    }
    direction.held.shift()
    direction.heldBytes -= first.bytes.length
    const rest = behind({ ...first, start: 0, end: first.bytes.length }, direction.next)
    if (rest !== null) this.#feed(endpoint, direction, rest, first)
    // Holes one behind another have been waited for together.
    if (direction.held.length > 0) direction.heldSince = timeOf(direction)
    return true
  }

  /** The request, or the bytes in the hole, will not come. */
  #giveUp(endpoint: Endpoint, direction: Direction): void {
    if (direction.paused) {
      direction.paused = false
      direction.waived = true
      return
    }
    const first = direction.held[0] as HeldPiece
    const hole = first.position - direction.next
    if (hole <= 0) return
    direction.next = first.position
    this.#parser.gap(endpoint, direction, hole, 'lost', first, direction.seenUntil)
  }

  #feed(endpoint: Endpoint, direction: Direction, piece: Piece, seen: Seen): void {
    const { bytes, start, end, gap, reason } = piece
    const position = piece.position + end - start
    if (end > start) {
      const left = this.#parser.data(endpoint, direction, bytes, start, end, seen)
      if (left > 0) {
        const { rest, restStart, restEnd } = this.#parser
        direction.next = position - left
        direction.seenUntil = seen.time
        hold(direction, { position: direction.next, bytes: rest, start: restStart, end: restEnd, gap, reason }, seen)
        return
      }
    }
    direction.next = position + gap
    if (gap > 0) this.#parser.gap(endpoint, direction, gap, reason, seen, seen.time)
    direction.seenUntil = seen.time
  }
}

/** Whether a direction holds all it may. */
function isFull({ held, heldBytes }: Direction): boolean {
  return held.length > limits.heldPieces || heldBytes > limits.heldBytes
}

/** When the first piece that is held passed. */
function timeOf({ held }: Direction): number {
  return held[0]?.time ?? Number.POSITIVE_INFINITY
}

/** What of the piece lies at or behind `position`; null when nothing does. */
function behind(piece: Piece, position: number): Piece | null {
  const passed = position - piece.position
  if (passed <= 0) return piece
  const captured = piece.end - piece.start
  if (passed >= captured + piece.gap) return null
  const start = Math.min(piece.end, piece.start + passed)
  return { ...piece, position, start, gap: piece.gap - Math.max(0, passed - captured) }
}

/** Keeps a copy of the piece in its place among those that wait. */
function hold(direction: Direction, piece: Piece, seen: Seen): void {
  const { held } = direction
  if (held.length === 0) direction.heldSince = seen.time
  const bytes = Buffer.from(piece.bytes.subarray(piece.start, piece.end))
  let at = held.length
  while (at > 0 && (held[at - 1] as HeldPiece).position > piece.position) at--
  held.splice(at, 0, {
    position: piece.position,
    bytes,
    gap: piece.gap,
    reason: piece.reason,
    time: seen.time,
    timeNanos: seen.timeNanos,
    pid: seen.pid,
    processStart: seen.processStart,
  })
  direction.heldBytes += bytes.length
}

/** The order in which the directions end: requests first, so that responses find theirs. */
export function inOrder(endpoint: Endpoint): [Direction, Direction] {
  const { send, receive } = endpoint
  return receive.kind === request ? [receive, send] : [send, receive]
}
