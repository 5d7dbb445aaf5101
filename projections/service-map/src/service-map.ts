import {
  type InputRecord,
  type KeyedState,
  type Projection,
  type ProjectionInstance,
  ReplacedFile,
} from '@syscribe/runtime'
import {
  isDependency,
  type Party,
  type ProcessKey,
  type Role,
  TopicCodec,
  type TrafficConnection,
  type TrafficConnectionEnd,
  type TrafficMessage,
  TrafficMessageView,
} from '@syscribe/schemas'
import type { Link } from './map-entries.js'
import { MapEntries } from './map-entries.js'
import { type MapState, mapStateFormat } from './map-state.js'
import { momentOf } from './moment.js'
import { OpenConnections } from './open-connections.js'
import { ScratchState } from './scratch-state.js'

/** Between two writes, milliseconds: so many times what a write costs, but no shorter. */
const costFactor = 20
const leastPauseMs = 250
/** Pause, wait for the next flush (half a second) and the write together stay below the two seconds a change may take. */
const pauseAndWriteMs = 1400

/**
 * The service map: by source service, what it calls, as one JSON file. It is made from the state alone, so the file is
 * written anew whenever that helps: after a crash, and now and then while things change.
 */
export const serviceMap: Projection<MapState> = createServiceMap()

/** @param now the time of `generated_at`, milliseconds since the Unix epoch. */
export function createServiceMap(now: () => number = Date.now): Projection<MapState> {
  return {
    name: 'service-map',
    topics: ['traffic'],
    state: mapStateFormat,
    async open(target) {
      return new ServiceMapInstance(await ReplacedFile.open(target), now)
    },
  }
}

class ServiceMapInstance implements ProjectionInstance<MapState> {
  readonly #file: ReplacedFile
  readonly #now: () => number
  readonly #view = new TrafficMessageView()
  /** Brings records of other schema versions into the form the view reads. */
  readonly #codec = new TopicCodec('traffic')
  #state: KeyedState<MapState> | undefined
  #entries!: MapEntries
  #open!: OpenConnections
  /** What is on disk may be of another state: the first flush writes. */
  #stale = true
  #nextWrite = 0

  constructor(file: ReplacedFile, now: () => number) {
    this.#file = file
    this.#now = now
  }

  apply(input: InputRecord, state: KeyedState<MapState>): void {
    this.#use(state)
    const kind = input.codec.kindOf(input.value)
    if (kind === 'TrafficMessage') {
      this.#view.read(this.#current(input))
      if (this.#open.advance(input.timestamp)) this.#stale = true
      if (!this.#view.observedByClient) return
      this.#open.message(this.#view, input.timestamp)
      this.#stale = true
    } else if (kind === 'TrafficConnection') {
      this.#connection(input, input.codec.decode(input.value).value as TrafficConnection)
    } else if (kind === 'TrafficConnectionEnd') {
      this.#connectionEnd(input, input.codec.decode(input.value).value as TrafficConnectionEnd)
    }
  }

  async flush(state: KeyedState<MapState>, last: boolean): Promise<string> {
    this.#use(state)
    const due = last ? this.#stale || this.#open.unsettled : this.#stale && performance.now() >= this.#nextWrite
    if (due) {
      const started = performance.now()
      const generatedAt = `${new Date(this.#now()).toISOString().slice(0, -1)}000000Z`
      await this.#file.replace((last ? this.#settled() : this.#entries).texts(generatedAt), last)
      this.#stale = false
      const cost = performance.now() - started
      this.#nextWrite = performance.now() + pauseAfter(cost)
    }
    return 'service-map 1'
  }

  async close(): Promise<void> {}

  #use(state: KeyedState<MapState>): void {
    if (state === this.#state) return
    this.#state = state
    this.#entries = new MapEntries(state)
    this.#open = new OpenConnections(state, this.#entries)
  }

  /**
   * The map if nothing more came. The state itself goes on waiting: the log may go on, and then the map must be what
   * it would have been without a stop.
   */
  #settled(): MapEntries {
    if (!this.#open.unsettled) return this.#entries
    const scratch = new ScratchState(this.#state as KeyedState<MapState>)
    const entries = new MapEntries(scratch)
    new OpenConnections(scratch, entries).concludeAll()
    return entries
  }

  #connection(input: InputRecord, { client, server, connection }: TrafficConnection): void {
    const at = momentOf(connection.time, connection.timeNanos)
    if (this.#open.advance(input.timestamp)) this.#stale = true
    const { protocol, category, confidence, reason } = connection
    if (!isDependency(protocol) || !isClient(connection.role, client, connection.process)) return
    const link = { destination: server.name, type: server.type, protocol, port: connection.serverPort }
    const image = client.container?.image ?? null
    const detail = { category: category ?? 'other', confidence, reason }
    this.#open.connected(connection.connection.toString('hex'), input.timestamp, at, client.name, image, link, detail)
    this.#stale = true
  }

  #connectionEnd(input: InputRecord, { client, server, end }: TrafficConnectionEnd): void {
    const at = momentOf(end.time, end.timeNanos)
    if (this.#open.advance(input.timestamp)) this.#stale = true
    const { protocol } = end
    if (!isDependency(protocol) || !isClient(end.role, client, end.process)) return
    const link: Link | null =
      protocol === 'http1' ? null : { destination: server.name, type: server.type, protocol, port: end.serverPort }
    this.#open.ended(end.connection.toString('hex'), input.timestamp, {
      service: client.name,
      image: client.container?.image ?? null,
      link,
      at,
      passed: Math.max(0, end.sent) + Math.max(0, end.received),
      captured: Math.max(0, end.captured),
    })
    this.#stale = true
  }

  #current(input: InputRecord): Buffer {
    if (input.codec.isCurrent('TrafficMessage')) return input.value
    return this.#codec.encode('TrafficMessage', input.codec.decode(input.value).value as TrafficMessage)
  }
}

function pauseAfter(costMs: number): number {
  return Math.max(leastPauseMs, Math.min(costMs * costFactor, pauseAndWriteMs - costMs))
}

function isClient(role: Role, client: Party, process: ProcessKey): boolean {
  if (role !== 'unknown') return role === 'client'
  const key = client.process?.key
  return (
    key !== undefined &&
    key.pid === process.pid &&
    key.processStart === process.processStart &&
    key.host === process.host &&
    key.boot.equals(process.boot)
  )
}
