import type { Direction } from './direction.js'
import { limits } from './limits.js'
import { CR, HTAB, LF, SP } from './octets.js'

// Phases of a chunked body (RFC 9112 section 7.1); 0 is none.
export const sizeStart = 1
const sizeDigits = 2
const extension = 3
const sizeLf = 4
export const chunkData = 5
export const dataCr = 6
const dataLf = 7
const trailerStart = 8
const trailerLine = 9
const lastLf = 10
export const chunksEnd = 11
export const chunksBroken = 12

/** Larger is no chunk size anybody sends. */
const greatestChunk = 2 ** 50

/**
 * Follows a chunked body through `view[at..end)`, collecting its data, until it ends (`chunksEnd`), is malformed
 * (`chunksBroken`, with `fault` said) or the view does. Where it stopped.
 */
export function followChunks(direction: Direction, view: Buffer, start: number, end: number): number {
  let at = start
  let phase = direction.chunkPhase
  while (at < end) {
    if (phase === chunkData) {
      const taken = Math.min(direction.remaining, end - at)
      addStretch(direction, view, at, taken)
      at += taken
      direction.remaining -= taken
      if (direction.remaining === 0) phase = dataCr
      continue
    }
    const octet = view[at] as number
    if (phase === sizeStart || phase === sizeDigits) {
      const digit = hexDigit(octet)
      if (digit >= 0) {
        direction.remaining = (phase === sizeStart ? 0 : direction.remaining) * 16 + digit
        phase = direction.remaining > greatestChunk ? chunksBroken : sizeDigits
      } else if (phase === sizeStart) phase = chunksBroken
      else if (octet === CR) phase = sizeLf
      else if (octet === LF) phase = direction.remaining === 0 ? trailerStart : chunkData
      // White space before the extension, or padding.
      else if (octet === 59 || octet === SP || octet === HTAB) phase = extension
      else phase = chunksBroken
      if (phase === chunksBroken) break
      at++
      if (phase === trailerStart) direction.trailers = direction.size + at - direction.from
    } else if (phase === extension) {
      if (octet === CR) phase = sizeLf
      else if (octet === LF) phase = direction.remaining === 0 ? trailerStart : chunkData
      at++
      if (phase === trailerStart) direction.trailers = direction.size + at - direction.from
    } else if (phase === sizeLf) {
      if (octet !== LF) {
        phase = chunksBroken
        break
      }
      at++
      phase = direction.remaining === 0 ? trailerStart : chunkData
      if (phase === trailerStart) direction.trailers = direction.size + at - direction.from
    } else if (phase === dataCr || phase === dataLf) {
      if (octet !== (phase === dataCr ? CR : LF)) {
        phase = chunksBroken
        break
      }
      at++
      phase = phase === dataCr ? dataLf : sizeStart
    } else if (phase === trailerStart) {
      at++
      if (octet === LF) {
        phase = chunksEnd
        break
      }
      phase = octet === CR ? lastLf : trailerLine
    } else if (phase === trailerLine) {
      const lineFeed = view.indexOf(LF, at)
      if (lineFeed < 0 || lineFeed >= end) at = end
      else {
        at = lineFeed + 1
        phase = trailerStart
      }
    } else {
      if (octet !== LF) phase = chunksBroken
      else {
        at++
        phase = chunksEnd
      }
      break
    }
  }
  direction.chunkPhase = phase
  if (phase === chunksBroken) direction.fault = 'chunked: malformed chunk size or delimiter'
  return at
}

function hexDigit(octet: number): number {
  if (octet >= 48 && octet <= 57) return octet - 48
  const lower = octet | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** Bytes of the body so far, its transfer coding removed. */
export function collected(direction: Direction): number {
  return direction.body === null ? direction.stretchEnd - direction.stretchStart : direction.bodySize
}

/**
 * Adds a stretch of chunk data. One stretch is only remembered by its place in the message; with the second they are
 * copied together.
 */
function addStretch(direction: Direction, view: Buffer, at: number, length: number): void {
  const start = direction.size + at - direction.from
  // What the message has no room for is not in the body either.
  const taken = Math.max(0, Math.min(length, limits.messageBytes - start))
  if (taken < length && direction.firstGap < 0) direction.firstGap = collected(direction) + taken
  if (taken === 0) return
  if (direction.body === null) {
    if (direction.stretchStart < 0) {
      direction.stretchStart = start
      direction.stretchEnd = start + taken
      return
    }
    if (direction.stretchEnd === start) {
      direction.stretchEnd += taken
      return
    }
    gatherFirstStretch(direction, view, taken)
  }
  let body = direction.body as Buffer
  if (direction.bodySize + taken > body.length) {
    const grown = Buffer.allocUnsafe(Math.max(direction.bodySize + taken, body.length * 2))
    body.copy(grown, 0, 0, direction.bodySize)
    direction.body = grown
    body = grown
  }
  view.copy(body, direction.bodySize, at, at + taken)
  direction.bodySize += taken
}

/** Copies the first stretch, of which some may be kept already and some be still in the view. */
function gatherFirstStretch(direction: Direction, view: Buffer, more: number): void {
  const { stretchStart, stretchEnd, size } = direction
  const length = stretchEnd - stretchStart
  const body = Buffer.allocUnsafe(Math.max(1024, 2 * (length + more)))
  const kept = Math.max(0, Math.min(stretchEnd, size) - stretchStart)
  if (kept > 0) direction.bytes?.copy(body, 0, stretchStart, stretchStart + kept)
  if (kept < length) {
    const at = direction.from + stretchStart + kept - size
    view.copy(body, kept, at, at + length - kept)
  }
  direction.body = body
  direction.bodySize = length
}
