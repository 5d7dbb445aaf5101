import type { ConnectionOpened, SocketIo } from '@syscribe/schemas'
import { addressText } from './addresses.js'
import { openSide } from './opening-side.js'
import { processKeyOf } from './process-key.js'
import type { End, Flow } from './state.js'

/** An end as its first record shows it. @param timestamp of that record, milliseconds. */
export function newEnd(record: SocketIo | ConnectionOpened, timestamp: number): End {
  // Without its ConnectionOpened (lost, or its bytes came first) an end that was not joined late began at 0.
  const unknown = record.joinedLate ? -1 : 0
  const sent = 'sendPosition' in record ? record.sendPosition : unknown
  const received = 'receivePosition' in record ? record.receivePosition : unknown
  return {
    cookie: record.cookie,
    role: record.role,
    process: processKeyOf(record),
    peer: null,
    netns: record.netns,
    transport: record.transport,
    localAddress: addressText(record.localAddress),
    localPort: record.localPort,
    remoteAddress: addressText(record.remoteAddress),
    remotePort: record.remotePort,
    joinedLate: record.joinedLate,
    time: record.time,
    timeNanos: record.timeNanos,
    lastSeen: timestamp,
    watching: true,
    sent: { start: sent, end: sent, bytes: 0 },
    received: { start: received, end: received, bytes: 0 },
    captured: 0,
    unseen: sent + received !== 0 ? ['joined_late'] : [],
    undecided: { sent: openSide(sent), received: openSide(received), pieces: 0 },
    decided: null,
  }
}

/** Begins to watch again an end that an earlier capture left open: its numbers start anew. True when it did. */
export function resume(end: End): boolean {
  if (end.watching) return false
  end.watching = true
  end.sent = { start: -1, end: -1, bytes: 0 }
  end.received = { start: -1, end: -1, bytes: 0 }
  end.captured = 0
  end.unseen = ['joined_late']
  return true
}

/** Counts a piece. @param captured bytes of it in the log. */
export function takeBytes(
  end: End,
  piece: Pick<SocketIo, 'direction' | 'position' | 'length' | 'missing'>,
  captured: number,
  timestamp: number,
): void {
  const flow: Flow = piece.direction === 'send' ? end.sent : end.received
  if (flow.start < 0) flow.start = piece.position
  const behind = piece.position + piece.length
  if (behind > flow.end) flow.end = behind
  flow.bytes += piece.length
  end.captured += captured
  end.lastSeen = timestamp
  if (piece.missing !== 'none' && !end.unseen.includes(piece.missing)) end.unseen.push(piece.missing)
}
