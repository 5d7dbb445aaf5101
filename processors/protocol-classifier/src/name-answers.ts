import type { Output } from '@syscribe/runtime'
import { processKeyText } from '@syscribe/schemas'
import { readDnsMessage } from './dns/message.js'
import { takeDnsFrames } from './dns/tcp-frames.js'
import type { End } from './state.js'

/** A piece that a DNS client received. */
export interface ReceivedPiece {
  position: number
  length: number
  payload: Buffer
  /** Microseconds since the Unix epoch. */
  time: number
  timeNanos: number
}

/** Emits what a piece answers: one NameAnswer per message that has addresses. @param timestamp of the record, milliseconds. */
export function emitNameAnswers(end: End, piece: ReceivedPiece, timestamp: number, out: Output): void {
  const frames = end.decided?.answers
  if (frames === null || frames === undefined) return
  const messages =
    end.transport === 'udp' ? [piece.payload] : takeDnsFrames(frames, piece.position, piece.length, piece.payload)
  for (const message of messages) {
    const answer = readDnsMessage(message)
    if (answer === null || !answer.response || answer.code !== 0) continue
    if (answer.name === null || answer.addresses.length === 0) continue
    const { time, timeNanos } = piece
    const record = { time, timeNanos, process: end.process, name: answer.name, addresses: answer.addresses }
    out.emit('names', 'NameAnswer', record, Buffer.from(processKeyText(end.process)), timestamp)
  }
}
