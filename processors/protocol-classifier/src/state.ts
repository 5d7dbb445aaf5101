import type { NotCaptured, ProcessKey, Role, Transport } from '@syscribe/schemas'
import type { DnsFrames } from './dns/tcp-frames.js'
import type { OpeningSide } from './opening-side.js'

/** What the classifier remembers of one connection: its observed ends, one or two. */
export interface ConnectionState {
  ends: End[]
}

/** One direction of a connection as one end has it. Positions as in SocketIo. */
export interface Flow {
  /** Position of the first byte while watched; below 0 while not known. */
  start: number
  /** Position behind the last byte known of. */
  end: number
  /** Bytes that records stand for. */
  bytes: number
}

/** One end of a connection: one socket of an observed process. */
export interface End {
  /** With the role, what tells the two ends of a connection apart. */
  cookie: number
  /** As the records have it; `unknown` stays. */
  role: Role
  process: ProcessKey
  /** The process at the other end, once that was seen. */
  peer: ProcessKey | null
  netns: number
  transport: Transport
  /** As text, empty when unknown. */
  localAddress: string
  localPort: number
  remoteAddress: string
  remotePort: number
  joinedLate: boolean
  /** When its first byte passed, or it was first seen while none has; microseconds since the Unix epoch. */
  time: number
  timeNanos: number
  /** Milliseconds since the Unix epoch of its latest record. */
  lastSeen: number
  /** False from the end of a capture until the connection is seen again. */
  watching: boolean
  sent: Flow
  received: Flow
  /** Bytes of both directions that were captured. */
  captured: number
  /** Why bytes were not captured, each reason once, in the order met. */
  unseen: NotCaptured[]
  /** While the protocol is not decided. */
  undecided: Undecided | null
  /** The decision; null while undecided. */
  decided: Decided | null
}

export interface Undecided {
  sent: OpeningSide
  received: OpeningSide
  /** Pieces looked at. */
  pieces: number
}

export interface Decided {
  /** Name of the protocol, http1 included; null when not recognised. */
  protocol: string | null
  /** The observed process is the client. */
  isClient: boolean
  /** DNS: answers over TCP that are not whole yet; null for every other protocol and for servers. */
  answers: DnsFrames | null
}

/** Bytes of a direction while it was watched. */
export function flowLength(flow: Flow): number {
  return flow.start < 0 ? 0 : Math.max(0, flow.end - flow.start)
}

export function hasBytes(end: End): boolean {
  return end.sent.bytes > 0 || end.received.bytes > 0
}
