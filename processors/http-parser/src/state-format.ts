import type { StateFormat } from '@syscribe/runtime'
import type { Layer, MissingReason } from '@syscribe/schemas'
import type { Direction, HeldPiece } from './direction.js'
import { type Connection, Endpoint, type Process } from './endpoint.js'
import type { Exchanges, PendingRequest } from './exchanges.js'
import { StateReader, StateWriter, type Walker } from './state-walker.js'

const noBytes = Buffer.alloc(0)
const blankProcess: Process = { host: '', boot: noBytes, pid: 0, processStart: 0 }
const blankRequest: PendingRequest = {
  exchange: 0,
  time: 0,
  target: noBytes,
  head: false,
  connect: false,
  behindLoss: false,
  lossBehind: -1,
}
const blankPiece: HeldPiece = {
  position: 0,
  bytes: noBytes,
  gap: 0,
  reason: 'lost',
  time: 0,
  timeNanos: 0,
  pid: 0,
  processStart: 0,
}

/** State of one connection: both ends, with the bytes of messages half received. */
export const connectionFormat: StateFormat<Connection> = {
  version: 3,
  encode(connection) {
    const writer = new StateWriter()
    walkConnection(writer, connection)
    return writer.take()
  },
  decode(bytes) {
    return walkConnection(new StateReader(bytes), { endpoints: [], touched: 0 })
  },
}

function walkConnection(walker: Walker, connection: Connection): Connection {
  const blank = new Endpoint(noBytes, 0, 'socket', blankProcess)
  return {
    endpoints: walker.list(connection.endpoints, blank, (endpoint) => walkEndpoint(walker, endpoint)),
    touched: walker.number(connection.touched),
  }
}

function walkEndpoint(walker: Walker, value: Endpoint): Endpoint {
  const connection = walker.bytes(value.connection)
  const cookie = walker.number(value.cookie)
  const layer = walker.text<Layer>(value.layer)
  const process = walkProcess(walker, value.process)
  // The writer must walk the endpoint itself, the reader a new one.
  const e = walker instanceof StateReader ? new Endpoint(connection, cookie, layer, process) : value
  e.role = walker.text(e.role)
  e.netns = walker.number(e.netns)
  e.localAddress = walker.bytes(e.localAddress)
  e.localPort = walker.number(e.localPort)
  e.remoteAddress = walker.bytes(e.remoteAddress)
  e.remotePort = walker.number(e.remotePort)
  e.joinedLate = walker.boolean(e.joinedLate)
  e.established = walker.boolean(e.established)
  e.peer = walker.nullable(e.peer, blankProcess, (peer) => walkProcess(walker, peer))
  walkDirection(walker, e.send)
  walkDirection(walker, e.receive)
  walkExchanges(walker, e.exchanges)
  e.lastSearched = walker.nullableText(e.lastSearched)
  e.searchTurns = walker.number(e.searchTurns)
  e.closedAt = walker.number(e.closedAt)
  e.sentInAll = walker.number(e.sentInAll)
  e.receivedInAll = walker.number(e.receivedInAll)
  return e
}

function walkProcess(walker: Walker, process: Process): Process {
  return {
    host: walker.text(process.host),
    boot: walker.bytes(process.boot),
    pid: walker.number(process.pid),
    processStart: walker.number(process.processStart),
  }
}

function walkExchanges(walker: Walker, e: Exchanges): void {
  e.next = walker.number(e.next)
  e.unclaimed = walker.number(e.unclaimed)
  e.pending = walker.list(e.pending, blankRequest, (request) => ({
    exchange: walker.number(request.exchange),
    time: walker.number(request.time),
    target: walker.bytes(request.target),
    head: walker.boolean(request.head),
    connect: walker.boolean(request.connect),
    behindLoss: walker.boolean(request.behindLoss),
    lossBehind: walker.number(request.lossBehind),
  }))
  e.pendingBytes = walker.number(e.pendingBytes)
  e.requests = walker.number(e.requests)
  e.releasedAt = walker.number(e.releasedAt)
  e.releasedBefore = walker.number(e.releasedBefore)
  e.pipelined = walker.number(e.pipelined)
}

function walkDirection(walker: Walker, d: Direction): void {
  d.kind = walker.number(d.kind)
  d.phase = walker.number(d.phase)
  d.next = walker.number(d.next)
  d.held = walker.list(d.held, blankPiece, (piece) => ({
    position: walker.number(piece.position),
    bytes: walker.bytes(piece.bytes),
    gap: walker.number(piece.gap),
    reason: walker.text(piece.reason),
    time: walker.number(piece.time),
    timeNanos: walker.number(piece.timeNanos),
    pid: walker.number(piece.pid),
    processStart: walker.number(piece.processStart),
  }))
  d.heldBytes = walker.number(d.heldBytes)
  d.heldSince = walker.number(d.heldSince)
  d.paused = walker.boolean(d.paused)
  d.waived = walker.boolean(d.waived)
  d.tunnel = walker.boolean(d.tunnel)
  d.ordinal = walker.number(d.ordinal)
  d.seenUntil = walker.number(d.seenUntil)
  d.lossy = walker.boolean(d.lossy)
  d.lostUntil = walker.number(d.lostUntil)
  walkMessage(walker, d)
  d.skipped = walker.number(d.skipped)
  d.window = walker.kept(d.window, d.windowSize)
  d.windowSize = walker.number(d.windowSize)
  d.windowScan = walker.number(d.windowScan)
  d.windowAtLine = walker.boolean(d.windowAtLine)
  d.searched = walker.number(d.searched)
}

function walkMessage(walker: Walker, d: Direction): void {
  d.time = walker.number(d.time)
  d.timeNanos = walker.number(d.timeNanos)
  d.pid = walker.number(d.pid)
  d.processStart = walker.number(d.processStart)
  d.exchange = walker.number(d.exchange)
  d.target = walker.bytes(d.target)
  d.status = walker.number(d.status)
  d.minor = walker.number(d.minor)
  d.bytes = walker.kept(d.bytes, d.size)
  d.size = walker.number(d.size)
  d.scan = walker.number(d.scan)
  d.hasLine = walker.boolean(d.hasLine)
  d.headSize = walker.number(d.headSize)
  d.missing = walker.number(d.missing)
  d.reason = walker.nullableText<MissingReason>(d.reason)
  d.fault = walker.nullableText(d.fault)
  d.remaining = walker.number(d.remaining)
  d.firstGap = walker.number(d.firstGap)
  d.chunkPhase = walker.number(d.chunkPhase)
  d.stretchStart = walker.number(d.stretchStart)
  d.stretchEnd = walker.number(d.stretchEnd)
  d.body = walker.kept(d.body, d.bodySize)
  d.bodySize = walker.number(d.bodySize)
  d.trailers = walker.number(d.trailers)
}
