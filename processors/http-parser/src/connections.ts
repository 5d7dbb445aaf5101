import type { KeyedState, Output } from '@syscribe/runtime'
import type { ConnectionClosed, ConnectionOpened } from '@syscribe/schemas'
import { type Direction, idle, over, type Seen } from './direction.js'
import { type Connection, Endpoint, isSameSocket, linkPeers } from './endpoint.js'
import type { IoRecord } from './io-record.js'
import { limits } from './limits.js'
import { MessageEncoder } from './message-encoder.js'
import { inOrder, type Piece, Reassembly } from './reassembly.js'
import { StreamParser } from './stream-parser.js'

/** The connections of one partition: brings records to their endpoint, and ends what is closed, idle or over. */
export class Connections {
  readonly #encoder = new MessageEncoder()
  readonly #reassembly = new Reassembly(new StreamParser(this.#encoder))
  /** Keys of connections that wait for time to pass. A cache: what it is made from is in the state. */
  #waiting: Set<string> | undefined
  /** Before this no connection can have been idle for long, microseconds; likewise. */
  #nextIdle = 0
  readonly #piece: Piece = { position: 0, bytes: Buffer.alloc(0), start: 0, end: 0, gap: 0, reason: 'lost' }

  /** Takes a SocketIo record of which `open` was called. */
  bytes(io: IoRecord, timestamp: number, state: KeyedState<Connection>, out: Output): void {
    const key = io.bytes.toString('hex', 1, 9)
    const known = state.get(key)
    if (known !== undefined && isOver(known, io)) {
      if (io.time - known.touched > limits.idleMicros / 8) (state.update(key) as Connection).touched = io.time
      return
    }
    io.read()
    if (io.transport !== 'tcp') return
    const connection = this.#connection(key, state)
    const endpoint = findEndpoint(connection, io) ?? addObserved(connection, io)
    connection.touched = io.time
    learn(connection, endpoint, io)

    const direction = io.direction === 'send' ? endpoint.send : endpoint.receive
    if (direction.next < 0) {
      direction.next = io.position
      if (io.position > 0) direction.lose(io.time)
    }
    const piece = this.#piece
    const captured = io.payloadEnd - io.payloadStart
    piece.position = io.position
    piece.bytes = io.bytes
    piece.start = io.payloadStart
    piece.end = io.payloadEnd
    piece.gap = Math.max(0, io.length - captured)
    piece.reason = io.reason
    this.#encoder.out = out
    this.#encoder.timestamp = timestamp
    this.#reassembly.take(endpoint, direction, piece, io)
    if (endpoint.send.held.length > 0 || endpoint.receive.held.length > 0) this.#waits(state).add(key)
  }

  opened(record: ConnectionOpened, state: KeyedState<Connection>): void {
    if (record.transport !== 'tcp') return
    const connection = this.#connection(record.connection.toString('hex'), state)
    connection.touched = record.time
    const { host, boot, pid, processStart } = record
    const process = { host, boot, pid, processStart }
    if (connection.endpoints.some((endpoint) => isSameSocket(endpoint, record.cookie, process))) return
    const endpoint = new Endpoint(record.connection, record.cookie, 'socket', process)
    endpoint.setPlace(record)
    if (record.joinedLate) {
      endpoint.joinLate()
      endpoint.send.next = record.sendPosition
      endpoint.receive.next = record.receivePosition
    } else if (record.role === 'unknown') endpoint.search()
    connection.endpoints.push(endpoint)
    linkPeers(connection, endpoint)
  }

  closed(record: ConnectionClosed, timestamp: number, state: KeyedState<Connection>, out: Output): void {
    const key = record.connection.toString('hex')
    const known = state.get(key)
    if (known === undefined) return
    const socket = known.endpoints.filter((endpoint) => isSameSocket(endpoint, record.cookie, record))
    if (socket.length === 0) return
    const connection = state.update(key) as Connection
    connection.touched = record.time
    this.#encoder.out = out
    this.#encoder.timestamp = timestamp
    for (const endpoint of socket) {
      endpoint.closedAt = record.time
      if (endpoint.layer === 'socket') {
        endpoint.sentInAll = record.sent
        endpoint.receivedInAll = record.received
      }
      // Nothing is sent any more. What was received before the close may still be read.
      if (endpoint.receive.held.length === 0) this.#end(endpoint, endpoint.send, record.time)
    }
    this.#waits(state).add(key)
  }

  /** Event time has passed `time`, milliseconds. */
  passed(time: number, final: boolean, state: KeyedState<Connection>, out: Output): void {
    const now = time * 1000
    this.#encoder.out = out
    this.#encoder.timestamp = time
    const waiting = this.#waits(state)
    const due = final
      ? [...state.entries()].map(([key]) => key)
      : [...waiting].filter((key) => isDue(state.get(key), now))
    // In an order of its own, since that of the state may change with a restart.
    for (const key of due.sort()) {
      const connection = state.update(key)
      if (connection === undefined) continue
      for (const endpoint of [...connection.endpoints]) this.#pass(connection, endpoint, now, final)
      if (connection.endpoints.length === 0) state.delete(key)
      if (!isWaiting(connection)) waiting.delete(key)
    }
    if (now >= this.#nextIdle) this.#forgetIdle(now, state)
  }

  #pass(connection: Connection, endpoint: Endpoint, now: number, final: boolean): void {
    this.#reassembly.settle(endpoint, now)
    if (endpoint.closedAt > 0) {
      if (!final && now < endpoint.closedAt + limits.lingerMicros) return
      for (const direction of inOrder(endpoint)) this.#end(endpoint, direction, endpoint.closedAt)
      connection.endpoints.splice(connection.endpoints.indexOf(endpoint), 1)
    } else if (final) {
      for (const direction of inOrder(endpoint)) {
        const resting = direction.held.length === 0 && (direction.phase === idle || direction.phase === over)
        if (resting) continue
        this.#reassembly.finish(endpoint, direction, -1, 'lost', seenAt(endpoint, now))
        // If capture starts again, who knows where in which message.
        if (direction.phase !== over) direction.resume()
      }
    }
  }

  /** Ends a direction of a closed socket. */
  #end(endpoint: Endpoint, direction: Direction, time: number): void {
    if (direction.phase === over) return
    const total = direction === endpoint.send ? endpoint.sentInAll : endpoint.receivedInAll
    this.#reassembly.finish(endpoint, direction, total, 'connection_closed', seenAt(endpoint, time))
    direction.phase = over
  }

  #forgetIdle(now: number, state: KeyedState<Connection>): void {
    let oldest = now
    const idleKeys: string[] = []
    for (const [key, connection] of state.entries()) {
      if (connection.touched + limits.idleMicros <= now) idleKeys.push(key)
      else oldest = Math.min(oldest, connection.touched)
    }
    this.#nextIdle = oldest + limits.idleMicros
    for (const key of idleKeys.sort()) {
      for (const endpoint of (state.update(key) as Connection).endpoints) {
        for (const direction of inOrder(endpoint)) {
          this.#reassembly.finish(endpoint, direction, -1, 'lost', seenAt(endpoint, now))
        }
      }
      state.delete(key)
      this.#waiting?.delete(key)
    }
  }

  #connection(key: string, state: KeyedState<Connection>): Connection {
    const known = state.update(key)
    if (known !== undefined) return known
    const connection: Connection = { endpoints: [], touched: 0 }
    state.set(key, connection)
    return connection
  }

  #waits(state: KeyedState<Connection>): Set<string> {
    if (this.#waiting === undefined) {
      this.#waiting = new Set()
      for (const [key, connection] of state.entries()) if (isWaiting(connection)) this.#waiting.add(key)
    }
    return this.#waiting
  }
}

/** Whether the record is of a socket that is known to carry no HTTP (any more). */
function isOver(connection: Connection, io: IoRecord): boolean {
  if (io.role === 'unknown') return false
  for (const endpoint of connection.endpoints) {
    if (endpoint.cookie === io.cookie && endpoint.role === io.role && endpoint.layer === io.layer) {
      return endpoint.send.phase === over && endpoint.receive.phase === over
    }
  }
  return false
}

function findEndpoint(connection: Connection, io: IoRecord): Endpoint | undefined {
  for (const endpoint of connection.endpoints) {
    if (endpoint.cookie !== io.cookie || endpoint.layer !== io.layer) continue
    // Of one connection only one socket is the client's and one the server's, whatever host they are on.
    if (endpoint.role === io.role && io.role !== 'unknown') return endpoint
    if (endpoint.process.host === io.host && endpoint.process.boot.equals(io.boot)) return endpoint
  }
  return undefined
}

/** An endpoint of which the opening was not seen: its record was lost, or this is a layer above the socket. */
function addObserved(connection: Connection, io: IoRecord): Endpoint {
  const process = { host: io.host, boot: io.boot, pid: io.pid, processStart: io.processStart }
  const endpoint = new Endpoint(io.connection, io.cookie, io.layer, process)
  endpoint.setPlace(io)
  if (io.joinedLate) endpoint.joinLate()
  else if (io.position > 0 || io.role === 'unknown') {
    // Not the first bytes: perhaps of a socket that was closed and forgotten, so what was before is not counted lost.
    endpoint.search()
    endpoint.send.next = -1
    endpoint.receive.next = -1
  }
  connection.endpoints.push(endpoint)
  linkPeers(connection, endpoint)
  return endpoint
}

/** Takes over what this record knows better: the process that has the socket now, a role or address not known before. */
function learn(connection: Connection, endpoint: Endpoint, io: IoRecord): void {
  const { process } = endpoint
  if (io.pid !== process.pid || io.processStart !== process.processStart) {
    process.pid = io.pid
    process.processStart = io.processStart
    endpoint.forgetIdentity()
    linkPeers(connection, endpoint)
  }
  if ((endpoint.role === 'unknown' && io.role !== 'unknown') || (endpoint.remotePort === 0 && io.remotePort !== 0)) {
    endpoint.setPlace(io)
  }
}

/** When and by whom something passed that no record tells of. */
function seenAt(endpoint: Endpoint, time: number): Seen {
  return { time, timeNanos: 0, pid: endpoint.process.pid, processStart: endpoint.process.processStart }
}

function isWaiting(connection: Connection): boolean {
  return connection.endpoints.some(
    ({ closedAt, send, receive }) => closedAt > 0 || send.held.length > 0 || receive.held.length > 0,
  )
}

function isDue(connection: Connection | undefined, now: number): boolean {
  if (connection === undefined) return false
  return connection.endpoints.some(
    ({ closedAt, send, receive }) =>
      (closedAt > 0 && now >= closedAt + limits.lingerMicros) ||
      (send.held.length > 0 && now >= send.heldSince + limits.waitMicros) ||
      (receive.held.length > 0 && now >= receive.heldSince + limits.waitMicros),
  )
}
