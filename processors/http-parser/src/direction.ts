import type { MissingReason } from '@syscribe/schemas'
import { unknownTarget } from './exchanges.js'
import type { Kind } from './head.js'

/** Between messages. */
export const idle = 0
/** In a start line or header fields. */
export const inHead = 1
/** In a body of known length. */
export const inLength = 2
export const inChunks = 3
/** In a body that ends with the connection. */
export const untilClose = 4
/** The boundary of messages is lost: the next one is searched. */
export const searching = 5
/** No (more) HTTP/1 on this direction. */
export const over = 6
export type Phase = 0 | 1 | 2 | 3 | 4 | 5 | 6

/** What `searching` skips belongs to no message. */
export const nothing = 0
/** It belongs to a message of which no start line was seen. */
export const headless = 1
/** It belongs to a message whose start line is known, its end is not. */
export const partial = 2
export type Skipped = 0 | 1 | 2

/** When and by which process bytes passed. */
export interface Seen {
  /** Microseconds since the Unix epoch. */
  time: number
  timeNanos: number
  pid: number
  processStart: number
}

/** A piece that waits for an earlier one, or for the request it may answer. */
export interface HeldPiece extends Seen {
  position: number
  bytes: Buffer
  /** Bytes behind `bytes` that were not captured, and why. */
  gap: number
  reason: MissingReason
}

/**
 * One direction of a connection as one end sees it: its place in the stream, and the message being received.
 * Offsets are relative to the message's first captured byte.
 */
export class Direction {
  kind: Kind = 0
  phase: Phase = idle
  /** Position of the next byte of the stream. */
  next = 0
  held: HeldPiece[] = []
  heldBytes = 0
  /** When the waiting began, microseconds. */
  heldSince = 0
  /** A response is there whose request is not: it waits. */
  paused = false
  /** The response at hand waits no longer. */
  waived = false
  /** After the message now in its body comes something other than HTTP. */
  tunnel = false
  /** Messages emitted. */
  ordinal = 0
  /** When the last bytes that were parsed passed, microseconds. */
  seenUntil = 0
  /** Messages may have been lost since requests and responses were last in step. */
  lossy = false
  /** None of them later than this, microseconds. */
  lostUntil = -1

  // The message being received.
  time = 0
  timeNanos = 0
  pid = 0
  processStart = 0
  /** -1 before it is numbered. */
  exchange = -1
  target: Buffer = unknownTarget
  status = 0
  minor = 1
  /** Kept bytes: `bytes[0..size)`. */
  bytes: Buffer | null = null
  size = 0
  /** In the record at hand: where the bytes begin that are not yet kept. Valid within one call only. */
  from = 0
  /** Where the search for the head's end goes on. */
  scan = 0
  hasLine = false
  /** Length of the head, 0 while it is not whole. Of a lost one: where the loss is. */
  headSize = 0
  missing = 0
  reason: MissingReason | null = null
  /** Why the transfer coding could not be followed to its end. */
  fault: string | null = null
  /** Bytes of the body, or of the chunk, still to come. */
  remaining = 0
  /** Where in the body, its transfer coding removed, the first byte is missing; -1 none. */
  firstGap = -1

  chunkPhase = 0
  /** Chunk data: the first stretch of it, then all of it once there are more. */
  stretchStart = -1
  stretchEnd = -1
  body: Buffer | null = null
  bodySize = 0
  /** Where the trailer section begins; -1 none yet. */
  trailers = -1

  // Searching.
  skipped: Skipped = nothing
  window: Buffer | null = null
  windowSize = 0
  /** Where in the window the search goes on. */
  windowScan = 0
  /** The window begins behind a line's end. */
  windowAtLine = false
  searched = 0

  forgetMessage(): void {
    this.exchange = -1
    this.target = unknownTarget
    this.status = 0
    this.minor = 1
    this.bytes = null
    this.size = 0
    this.scan = 0
    this.hasLine = false
    this.headSize = 0
    this.missing = 0
    this.reason = null
    this.fault = null
    this.remaining = 0
    this.firstGap = -1
    this.chunkPhase = 0
    this.stretchStart = -1
    this.stretchEnd = -1
    this.body = null
    this.bodySize = 0
    this.trailers = -1
    this.skipped = nothing
    this.window = null
    this.windowSize = 0
    this.windowScan = 0
    this.windowAtLine = false
    this.searched = 0
  }

  /** Bytes were not watched before this point: what comes next may be the rest of a message. */
  resume(): void {
    this.forgetMessage()
    this.phase = searching
    this.skipped = headless
    this.reason = 'joined_late'
  }

  abandon(): void {
    this.forgetMessage()
    this.phase = over
    this.paused = false
    this.held = []
    this.heldBytes = 0
  }

  begin(seen: Seen): void {
    this.time = seen.time
    this.timeNanos = seen.timeNanos
    this.pid = seen.pid
    this.processStart = seen.processStart
  }

  /** Bytes in which messages may have begun were lost, none of them after this time, microseconds. */
  lose(until: number): void {
    this.lossy = true
    this.lostUntil = until
  }

  /** When the last bytes, seen or lost, passed at the latest, microseconds. */
  get lastTime(): number {
    return Math.max(this.seenUntil, this.lostUntil)
  }

  miss(bytes: number, reason: MissingReason): void {
    this.missing += bytes
    this.reason ??= reason
  }
}
