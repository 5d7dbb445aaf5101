import type { NotCaptured } from '@syscribe/schemas'
import { openingLimit } from './protocols/protocol.js'

/** The first bytes of one direction, put together from its pieces. Serialisable. */
export interface OpeningSide {
  /** Consecutive bytes of the stream, at most `openingLimit`. */
  bytes: Buffer
  /** They begin with the first byte of the stream. */
  fromStart: boolean
  /** Position of the byte behind them. */
  next: number
  /** Bytes behind `bytes` were not captured: it cannot grow. */
  cut: boolean
  /** Why bytes of this side were not seen, the first reason; `none` while all were. */
  unseen: NotCaptured
}

/** @param start position of the first byte to come; below 0 when not known. */
export function openSide(start: number): OpeningSide {
  return { bytes: Buffer.alloc(0), fromStart: start === 0, next: start, cut: false, unseen: 'none' }
}

/** Takes in a piece. After a hole the bytes begin anew with the piece, no longer from the start of the stream. */
export function takePiece(
  side: OpeningSide,
  position: number,
  length: number,
  payload: Buffer,
  missing: NotCaptured,
): void {
  if (side.next >= 0 && position < side.next) return
  if (side.next >= 0 && position > side.next) {
    if (side.unseen === 'none') side.unseen = 'lost'
    startAnew(side)
  } else if (side.cut && side.bytes.length === 0) {
    startAnew(side)
  }
  if (payload.length > 0 && !side.cut && side.bytes.length < openingLimit) {
    const room = payload.subarray(0, openingLimit - side.bytes.length)
    // A copy: the payload is a view of the record.
    side.bytes = Buffer.concat([side.bytes, room])
  }
  if (payload.length < length) {
    side.cut = true
    if (side.unseen === 'none') side.unseen = missing === 'none' ? 'other' : missing
  }
  side.next = position + length
}

/** Forgets the bytes: what comes next begins at a place of its own. */
export function startAnew(side: OpeningSide): void {
  side.bytes = Buffer.alloc(0)
  side.fromStart = false
  side.cut = false
}
