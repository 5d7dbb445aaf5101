import type { InputRecord, KeyedState, Output, ProcessorInstance } from '@syscribe/runtime'
import type { ConnectionClosed, ConnectionOpened, Role, SocketIo } from '@syscribe/schemas'
import { Deadlines } from './deadlines.js'
import { type Decision, decideByPayload, decideFinally } from './decide.js'
import { newEnd, resume, takeBytes } from './end.js'
import { decideBy, forgetAt, sawEnough } from './limits.js'
import { MovedBytes } from './moved-bytes.js'
import { emitNameAnswers, type ReceivedPiece } from './name-answers.js'
import { startAnew, takePiece } from './opening-side.js'
import { protocolOfPort } from './protocols/registry.js'
import { connectionEndRecord, connectionRecord } from './records.js'
import { type ConnectionState, type End, hasBytes } from './state.js'

type State = KeyedState<ConnectionState>

/** One partition's classifier. Its keyed state is by connection id, as text of one character per byte. */
export class Classifier implements ProcessorInstance<ConnectionState> {
  readonly #deadlines = new Deadlines()
  #deadlinesFilled = false
  readonly #movedBytes = new MovedBytes()

  step(input: InputRecord, state: State, out: Output): void {
    switch (input.codec.kindOf(input.value)) {
      case 'SocketIo':
        this.#moved(input, state, out)
        break
      case 'ConnectionOpened':
        this.#opened(input, state)
        break
      case 'ConnectionClosed':
        this.#closed(input, state, out)
        break
      default:
        // CaptureLoss: which bytes, shows in the positions.
        break
    }
  }

  #moved(input: InputRecord, state: State, out: Output): void {
    const moved = this.#movedBytes
    moved.open(input)
    // What a TLS library moved is counted and judged where it passed the socket.
    if (!moved.onSocket) return
    const { key } = moved
    const connection = state.update(key)
    const end = connection === undefined ? undefined : endOf(connection, moved.cookie, moved.role)
    if (end === undefined || end.undecided !== null || end.decided?.answers != null) {
      this.#firstBytes(input, key, state, out)
      return
    }
    const captured = moved.captured()
    resume(end)
    takeBytes(end, moved, captured, input.timestamp)
  }

  /** Bytes of an end not decided yet, or of a DNS client, whose payload is read. */
  #firstBytes(input: InputRecord, key: string, state: State, out: Output): void {
    const io = input.codec.decode(input.value).value as SocketIo
    const end = this.#endFor(io, key, input.timestamp, state)
    resume(end)
    if (!hasBytes(end) && end.undecided !== null) {
      end.time = io.time
      end.timeNanos = io.timeNanos
    }
    takeBytes(end, io, io.payload.length, input.timestamp)
    if (end.undecided !== null) this.#recognise(io, end, input.timestamp, out)
    else if (io.direction === 'recv') emitNameAnswers(end, io, input.timestamp, out)
    this.#deadlines.add(key, deadlineOf(end))
  }

  #recognise(io: SocketIo, end: End, timestamp: number, out: Output): void {
    const seen = end.undecided
    if (seen === null) return
    const side = io.direction === 'send' ? seen.sent : seen.received
    if (end.transport === 'udp') {
      // Every datagram is a message of its own.
      startAnew(side)
      side.fromStart = true
      side.next = io.position
    }
    takePiece(side, io.position, io.length, io.payload, io.missing)
    seen.pieces++
    const outcome = decideByPayload(end, seen)
    if (typeof outcome === 'object') {
      this.#decide(io.connection, end, outcome, io, timestamp, out)
      return
    }
    const late = !seen.sent.fromStart || !seen.received.fromStart || end.transport === 'udp'
    if (sawEnough(end) || (outcome === 'none' && !late)) {
      this.#decide(io.connection, end, decideFinally(end, seen), io, timestamp, out)
    } else if (outcome === 'none') {
      // Mid-stream: the next piece may begin with a message.
      if (!seen.sent.fromStart) startAnew(seen.sent)
      if (!seen.received.fromStart) startAnew(seen.received)
    }
  }

  /** @param piece the bytes that decided it; null when it was time that did. */
  #decide(
    connection: Buffer,
    end: End,
    decision: Decision,
    piece: (ReceivedPiece & Pick<SocketIo, 'direction'>) | null,
    timestamp: number,
    out: Output,
  ): void {
    const received = end.undecided?.received
    const asksNames = decision.protocol === 'dns' && decision.isClient && decision.confidence === 90
    const before = received === undefined ? 0 : received.bytes.length
    const answers =
      asksNames && received !== undefined ? { pending: Buffer.alloc(0), next: received.next - before } : null
    const answer = received?.bytes
    end.undecided = null
    end.decided = { protocol: decision.protocol, isClient: decision.isClient, answers }
    if (decision.protocol !== 'http1') {
      out.emit('connections', 'Connection', connectionRecord(connection, end, decision), connection, timestamp)
    }
    if (answers === null || answer === undefined || answer.length === 0 || piece === null) return
    const { time, timeNanos } = piece
    emitNameAnswers(
      end,
      { position: answers.next, length: answer.length, payload: answer, time, timeNanos },
      timestamp,
      out,
    )
  }

  #opened(input: InputRecord, state: State): void {
    const opened = input.codec.decode(input.value).value as ConnectionOpened
    const key = keyOf(opened.connection)
    const end = this.#endFor(opened, key, input.timestamp, state)
    if (resume(end)) {
      end.sent.start = end.sent.end = opened.sendPosition
      end.received.start = end.received.end = opened.receivePosition
      end.lastSeen = input.timestamp
    }
    this.#deadlines.add(key, deadlineOf(end))
  }

  #closed(input: InputRecord, state: State, out: Output): void {
    const closed = input.codec.decode(input.value).value as ConnectionClosed
    const key = keyOf(closed.connection)
    const connection = state.get(key)
    const end = connection?.ends.find(
      ({ cookie, process }) =>
        cookie === closed.cookie && process.host === closed.host && process.boot.equals(closed.boot),
    )
    if (end === undefined) return
    if (end.watching) {
      end.sent.end = Math.max(end.sent.end, closed.sent)
      end.received.end = Math.max(end.received.end, closed.received)
      this.#stopWatching(closed.connection, end, closed.time, closed.timeNanos, input.timestamp, out)
    }
    this.#forget(key, end, state)
  }

  /** Decides what is undecided and says what was seen. A UDP socket that moved nothing spoke to nobody. */
  #stopWatching(connection: Buffer, end: End, time: number, timeNanos: number, timestamp: number, out: Output): void {
    if (end.transport === 'udp' && !hasBytes(end)) return
    if (end.undecided !== null) {
      this.#decide(connection, end, decideFinally(end, end.undecided), null, timestamp, out)
    }
    const record = connectionEndRecord(connection, end, time, timeNanos)
    out.emit('connections', 'ConnectionEnd', record, connection, timestamp)
  }

  #endFor(record: SocketIo | ConnectionOpened, key: string, timestamp: number, state: State): End {
    const connection = state.update(key)
    const known = connection === undefined ? undefined : endOf(connection, record.cookie, record.role)
    if (known !== undefined) return known
    const end = newEnd(record, timestamp)
    if (connection === undefined) {
      state.set(key, { ends: [end] })
      return end
    }
    const other = connection.ends[0]
    if (other !== undefined) {
      end.peer = other.process
      other.peer = end.process
    }
    connection.ends.push(end)
    return end
  }

  #forget(key: string, end: End, state: State): void {
    const connection = state.update(key)
    if (connection === undefined) return
    connection.ends = connection.ends.filter((each) => each !== end)
    if (connection.ends.length > 0) return
    state.delete(key)
    this.#deadlines.delete(key)
  }

  watermark(time: number, final: boolean, state: State, out: Output): void {
    if (!this.#deadlinesFilled) {
      for (const [key, { ends }] of state.entries()) for (const end of ends) this.#deadlines.add(key, deadlineOf(end))
      this.#deadlinesFilled = true
    }
    // In the order of the keys: the state's own order may differ after a restart.
    for (const key of this.#deadlines.take(time).sort()) this.#lookAgain(key, time, state, out)
    if (final) this.#endOfWatching(time, state, out)
  }

  #lookAgain(key: string, time: number, state: State, out: Output): void {
    for (const end of [...(state.get(key)?.ends ?? [])]) {
      const due = deadlineOf(end)
      if (due > time) {
        this.#deadlines.add(key, due)
        continue
      }
      state.update(key)
      const connection = Buffer.from(key, 'latin1')
      if (forgetAt(end) <= time) {
        if (end.watching) this.#stopWatching(connection, end, time * 1000, 0, time, out)
        this.#forget(key, end, state)
      } else if (end.undecided !== null) {
        this.#decide(connection, end, decideFinally(end, end.undecided), null, time, out)
        this.#deadlines.add(key, deadlineOf(end))
      }
    }
  }

  /** Capture ended: every end that is still open has its ConnectionEnd, and is kept so that it is not announced twice. */
  #endOfWatching(time: number, state: State, out: Output): void {
    const open = [...state.entries()].filter(([, { ends }]) => ends.some(({ watching }) => watching))
    for (const [key] of open.sort(([a], [b]) => (a < b ? -1 : 1))) {
      for (const end of state.update(key)?.ends ?? []) {
        if (!end.watching) continue
        this.#stopWatching(Buffer.from(key, 'latin1'), end, time * 1000, 0, time, out)
        end.watching = false
      }
    }
  }
}

function keyOf(connection: Buffer): string {
  return connection.toString('latin1', 0, connection.length)
}

/** The cookie tells the ends of one boot apart; two hosts may use the same one, but never in the same role. */
function endOf(connection: ConnectionState, cookie: number, role: Role): End | undefined {
  for (const end of connection.ends) {
    if (end.cookie === cookie && (end.role === role || role === 'unknown' || end.role === 'unknown')) return end
  }
  return undefined
}

function deadlineOf(end: End): number {
  const usual = protocolOfPort(end.remotePort) !== undefined || protocolOfPort(end.localPort) !== undefined
  return Math.min(decideBy(end, usual), forgetAt(end))
}
