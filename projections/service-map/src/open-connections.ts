import type { KeyedState } from '@syscribe/runtime'
import { endpointTypes, messageKinds, missingReasons, type PartyView, type TrafficMessageView } from '@syscribe/schemas'
import { bodySchema, noBody, unknownBody } from './body-schema.js'
import type { Link, MapEntries } from './map-entries.js'
import { type ConnectionState, clockKey, type MapState, type OpenState, openKey, type Waiting } from './map-state.js'
import { type Moment, momentOf } from './moment.js'
import { pathOf } from './request-path.js'
import { TextCache } from './text-cache.js'

/** Messages given up at a connection's end come behind it: so long it is kept, milliseconds of event time. */
const graceMs = 10_000
/** A connection of which nothing was heard for so long (messages of it come for six hours) is taken for ended. */
const idleMinutes = 7 * 60
/** Exchanges of one connection that may be open at once; of more, the oldest is given up. */
const waitingMost = 4096

const request = messageKinds.indexOf('request')
const connectionClosed = missingReasons.indexOf('connection_closed')

const texts = new TextCache()

/** The end of a connection: what passed on it and what was captured of that. */
export interface End {
  service: string
  image: string | null
  link: Link | null
  at: Moment
  passed: number
  captured: number
}

/**
 * The connections that are open and the exchanges on them: pairs responses with requests, whichever comes first, and
 * gives up what nothing more comes of. Time is the records' own.
 */
export class OpenConnections {
  readonly #state: KeyedState<MapState>
  readonly #entries: MapEntries
  readonly #keys = new Set<string>()
  /** Ended connections in the order of their ends. */
  readonly #ended: { at: number; key: string }[] = []
  #minute = Number.NEGATIVE_INFINITY

  constructor(state: KeyedState<MapState>, entries: MapEntries) {
    this.#state = state
    this.#entries = entries
    for (const [key, value] of state.entries()) {
      if (value.kind === 'clock') this.#minute = value.minute
      if (value.kind !== 'open') continue
      this.#keys.add(key)
      if (value.ended !== null) this.#noteEnd(value.ended, key)
    }
  }

  /**
   * Event time has come to `timestamp`: gives up what it is too late for.
   * @returns whether the map changed.
   */
  advance(timestamp: number): boolean {
    let changed = false
    let settled = 0
    for (const { at, key } of this.#ended) {
      if (at + graceMs >= timestamp) break
      settled++
      changed = this.#conclude(key) || changed
    }
    if (settled > 0) this.#ended.splice(0, settled)
    const minute = Math.floor(timestamp / 60_000)
    if (minute > this.#minute) {
      this.#minute = minute
      this.#state.set(clockKey, { kind: 'clock', minute })
      const idleSince = timestamp - idleMinutes * 60_000
      const idle = [...this.#keys].filter((key) => {
        const { active, ended } = this.#open(key)
        return active < idleSince && ended === null
      })
      for (const key of idle.sort()) changed = this.#conclude(key) || changed
    }
    return changed
  }

  /** Whether exchanges are waiting, or ends are not yet settled. */
  get unsettled(): boolean {
    if (this.#ended.length > 0) return true
    for (const key of this.#keys) if (this.#open(key).waiting.length > 0) return true
    return false
  }

  /** Nothing more comes: gives up everything. */
  concludeAll(): void {
    this.#ended.length = 0
    for (const key of [...this.#keys].sort()) this.#conclude(key)
  }

  /** A message that the observed process sent or received as a client. */
  message(view: TrafficMessageView, timestamp: number): void {
    const at = momentOf(view.time, view.timeNanos)
    const key = openKey(view.bytes.toString('hex', view.connectionStart, view.connectionStart + 8))
    const open = this.#active(key, timestamp) ?? this.#begin(key, timestamp, nameOf(view, view.client))
    if (view.kind === request || open.passed === 0) this.#entries.service(open.service, imageOf(view), at)
    const captured = Math.max(0, view.length - Math.max(0, view.missingBytes))
    // What was announced and never came, because the connection ended, has not passed and is not missing here.
    const passed = view.missingReason === connectionClosed ? captured : Math.max(0, view.length)
    open.passed += passed
    open.captured += captured
    this.#entries.addBytes(open.service, passed, captured)
    if (view.kind === request) this.#request(open, view, at, passed, captured)
    else this.#response(open, view, at, passed, captured)
  }

  /** A classified connection on which the observed process is the client. */
  connected(
    connection: string,
    timestamp: number,
    at: Moment,
    service: string,
    image: string | null,
    link: Link,
    detail: Pick<ConnectionState, 'category' | 'confidence' | 'reason'>,
  ): void {
    const key = openKey(connection)
    const open = this.#active(key, timestamp) ?? this.#begin(key, timestamp, service)
    this.#entries.service(open.service, image, at)
    // Processes that share a socket speak of one connection.
    this.#entries.connect(open.service, link, detail, at, open.counted ? 0 : 1)
    open.counted = true
  }

  /** The end of a connection on which the observed process was the client. @param end its `link` null for HTTP. */
  ended(connection: string, timestamp: number, end: End): void {
    const key = openKey(connection)
    let open = this.#active(key, timestamp)
    if (open === undefined) {
      if (end.passed === 0) return
      open = this.#begin(key, timestamp, end.service)
      this.#entries.service(open.service, end.image, end.at)
    }
    // Watching may have ended and begun again while the connection stayed open: each end is of its own time.
    if (open.ended !== null) {
      this.#ended.splice(
        this.#ended.findIndex((one) => one.key === key),
        1,
      )
    }
    open.ended = timestamp
    open.endPassed += end.passed
    open.endCaptured += end.captured
    this.#noteEnd(timestamp, key)
    if (end.link !== null) this.#entries.disconnect(open.service, end.link, end.at, end.passed, end.captured)
  }

  #request(open: OpenState, view: TrafficMessageView, at: Moment, passed: number, captured: number): void {
    const half = halfOf(view, 'request', at, passed, captured)
    if (half === undefined) {
      this.#entries.addUnattributed(open.service)
      return
    }
    const index = placeOf(open, view.exchange)
    const other = open.waiting[index]
    if (other === undefined) {
      open.waiting.push(half)
      if (open.waiting.length > waitingMost) this.#giveUp(open, open.waiting.shift() as Waiting)
    } else if (other.half === 'response') {
      open.waiting.splice(index, 1)
      this.#count(open, half, half.schema, other.schema, other)
    } else {
      // The count began anew: the capture did, while the connection stayed open.
      open.waiting[index] = half
      this.#giveUp(open, other)
    }
  }

  #response(open: OpenState, view: TrafficMessageView, at: Moment, passed: number, captured: number): void {
    const index = placeOf(open, view.exchange)
    const other = open.waiting[index]
    // 1xx answers come before the answer; 101 is one (RFC 9110 section 15.2).
    if (view.status >= 100 && view.status < 200 && view.status !== 101) {
      if (other !== undefined) {
        other.passed += passed
        other.captured += captured
      }
      return
    }
    if (other?.half === 'request') {
      open.waiting.splice(index, 1)
      this.#count(open, other, other.schema, bodySchema(view), { passed, captured })
      return
    }
    const half = halfOf(view, 'response', at, passed, captured)
    if (half === undefined) {
      this.#entries.addUnattributed(open.service)
    } else if (other !== undefined) {
      open.waiting[index] = half
      this.#giveUp(open, other)
    } else {
      open.waiting.push(half)
      if (open.waiting.length > waitingMost) this.#giveUp(open, open.waiting.shift() as Waiting)
    }
  }

  #count(
    open: OpenState,
    half: Waiting,
    requestSchema: string,
    responseSchema: string,
    other: { passed: number; captured: number },
    answered = true,
  ): void {
    this.#entries.count(open.service, {
      destination: half.destination,
      type: half.type,
      method: half.method,
      path: half.path,
      request: requestSchema,
      response: responseSchema,
      answered,
      at: half.at,
      passed: half.passed + other.passed,
      captured: half.captured + other.captured,
    })
  }

  /** Counts an exchange of which one half never came. */
  #giveUp(open: OpenState, half: Waiting): void {
    if (half.half === 'request') this.#count(open, half, half.schema, noBody, nothing, false)
    else this.#count(open, half, unknownBody, half.schema, nothing)
  }

  /** @returns whether the map changed. */
  #conclude(key: string): boolean {
    const open = this.#open(key)
    for (const half of open.waiting) this.#giveUp(open, half)
    const gap = gapOf(open)
    if (gap.passed > 0) this.#entries.addBytes(open.service, gap.passed, gap.captured)
    this.#state.delete(key)
    this.#keys.delete(key)
    return open.waiting.length > 0 || gap.passed > 0
  }

  #begin(key: string, timestamp: number, service: string): OpenState {
    const open: OpenState = {
      kind: 'open',
      service,
      counted: false,
      active: timestamp,
      passed: 0,
      captured: 0,
      ended: null,
      endPassed: 0,
      endCaptured: 0,
      waiting: [],
    }
    this.#state.set(key, open)
    this.#keys.add(key)
    return open
  }

  #active(key: string, timestamp: number): OpenState | undefined {
    const open = this.#state.update(key) as OpenState | undefined
    if (open !== undefined && timestamp > open.active) open.active = timestamp
    return open
  }

  #open(key: string): OpenState {
    return this.#state.get(key) as OpenState
  }

  #noteEnd(at: number, key: string): void {
    let index = this.#ended.length
    for (; index > 0; index--) {
      const before = this.#ended[index - 1] as { at: number; key: string }
      if (before.at < at || (before.at === at && before.key < key)) break
    }
    this.#ended.splice(index, 0, { at, key })
  }
}

const nothing = { passed: 0, captured: 0 }

/** What passed on an ended connection beside the messages seen on it. */
function gapOf(open: OpenState): { passed: number; captured: number } {
  if (open.ended === null) return nothing
  const passed = Math.max(0, open.endPassed - open.passed)
  return { passed, captured: Math.max(0, Math.min(passed, open.endCaptured - open.captured)) }
}

function placeOf(open: OpenState, exchange: number): number {
  for (let index = 0; index < open.waiting.length; index++) {
    if ((open.waiting[index] as Waiting).exchange === exchange) return index
  }
  return -1
}

/** @returns undefined when the request line was not seen. */
function halfOf(
  view: TrafficMessageView,
  half: Waiting['half'],
  at: Moment,
  passed: number,
  captured: number,
): Waiting | undefined {
  if (view.methodStart < 0 || view.urlStart < 0) return undefined
  const { bytes, server } = view
  return {
    exchange: view.exchange,
    half,
    destination: nameOf(view, server),
    type: endpointTypes[server.type] as Waiting['type'],
    method: texts.text(bytes, view.methodStart, view.methodEnd),
    path: pathOf(texts, bytes, view.urlStart, view.urlEnd),
    schema: bodySchema(view),
    at,
    passed,
    captured,
  }
}

function nameOf(view: TrafficMessageView, party: PartyView): string {
  return texts.text(view.bytes, party.nameStart, party.nameEnd)
}

function imageOf({ bytes, client }: TrafficMessageView): string | null {
  return client.hasContainer ? texts.text(bytes, client.imageStart, client.imageEnd) : null
}
