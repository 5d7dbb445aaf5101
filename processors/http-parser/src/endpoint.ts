import type { Layer, Role } from '@syscribe/schemas'
import { Direction, searching } from './direction.js'
import { Exchanges } from './exchanges.js'
import { request, response } from './head.js'

/** A process, as far as an HttpMessage names it. */
export interface Process {
  host: string
  boot: Buffer
  pid: number
  processStart: number
}

/** Where a socket is, as both ConnectionOpened and SocketIo tell it. */
export interface Place {
  role: Role
  netns: number
  localAddress: Buffer
  localPort: number
  remoteAddress: Buffer
  remotePort: number
}

/** One end of a connection: one socket, observed at one layer. */
export class Endpoint {
  readonly connection: Buffer
  readonly cookie: number
  readonly layer: Layer
  readonly process: Process
  role: Role = 'unknown'
  netns = 0
  /** 4 or 16 bytes; empty when not known. */
  localAddress: Buffer = Buffer.alloc(0)
  localPort = 0
  remoteAddress: Buffer = Buffer.alloc(0)
  remotePort = 0
  joinedLate = false
  /** A start line of HTTP/1 was seen. */
  established = false
  peer: Process | null = null
  readonly send: Direction = new Direction()
  readonly receive: Direction = new Direction()
  readonly exchanges: Exchanges = new Exchanges()
  /** Direction of the last record while searching, and how often it changed without a boundary being found. */
  lastSearched: 'send' | 'recv' | null = null
  searchTurns = 0
  /** When the socket was closed, microseconds; 0 while it is open. */
  closedAt = 0
  /** The stream's length at the close. */
  sentInAll = 0
  receivedInAll = 0
  /** Encoded parts of messages that change seldom, by direction; a cache. */
  sendIdentity: Buffer | null = null
  receiveIdentity: Buffer | null = null

  constructor(connection: Buffer, cookie: number, layer: Layer, process: Process) {
    this.connection = connection
    this.cookie = cookie
    this.layer = layer
    this.process = process
  }

  /** The direction that is not this one. */
  other(direction: Direction): Direction {
    return direction === this.send ? this.receive : this.send
  }

  /** Takes down where the socket is. A role known later than the first message does not turn that around. */
  setPlace(place: Place): void {
    this.role = place.role
    this.netns = place.netns
    this.localAddress = place.localAddress
    this.localPort = place.localPort
    this.remoteAddress = place.remoteAddress
    this.remotePort = place.remotePort
    this.forgetIdentity()
    if (place.role === 'unknown' || this.send.kind !== 0) return
    this.send.kind = place.role === 'client' ? request : response
    this.receive.kind = place.role === 'client' ? response : request
  }

  /** Nothing is known of where messages begin. */
  search(): void {
    this.send.phase = searching
    this.receive.phase = searching
  }

  /** The connection was open before watching began. */
  joinLate(): void {
    this.joinedLate = true
    for (const direction of [this.send, this.receive]) {
      direction.next = -1
      direction.resume()
    }
  }

  /** This connection is not, or no longer, HTTP/1: nothing of it is looked at from here on. */
  abandon(): void {
    this.send.abandon()
    this.receive.abandon()
  }

  forgetIdentity(): void {
    this.sendIdentity = null
    this.receiveIdentity = null
  }
}

/** Both ends of a connection, as far as they are observed. */
export interface Connection {
  endpoints: Endpoint[]
  /** When a record last changed it, microseconds. */
  touched: number
}

/** Whether the endpoint is this socket of this host, at whatever layer. */
export function isSameSocket(endpoint: Endpoint, cookie: number, of: { host: string; boot: Buffer }): boolean {
  return endpoint.cookie === cookie && endpoint.process.host === of.host && endpoint.process.boot.equals(of.boot)
}

/** Tells the other end of the connection, where that is observed, of this one, and this one of it. */
export function linkPeers(connection: Connection, endpoint: Endpoint): void {
  for (const other of connection.endpoints) {
    if (isSameSocket(other, endpoint.cookie, endpoint.process)) continue
    other.peer = { ...endpoint.process }
    endpoint.peer = { ...other.process }
    other.forgetIdentity()
    endpoint.forgetIdentity()
  }
}
