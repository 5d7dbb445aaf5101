import type { KeyedState } from '@syscribe/runtime'
import type { SchemaText } from './body-schema.js'
import {
  type ConnectionState,
  type Destination,
  type EndpointState,
  entryKey,
  type MapState,
  type Seen,
  type ServiceState,
  serviceKey,
  unseen,
} from './map-state.js'
import { connectionText, endpointText, serviceTexts } from './map-text.js'
import { isBefore, type Moment } from './moment.js'
import { type Placed, SortedChunks } from './sorted-chunks.js'
import { type EndpointItem, Variants } from './variants.js'

/** One exchange to count. */
export interface Call {
  destination: string
  type: Destination['type']
  method: string
  path: string
  request: SchemaText
  response: SchemaText
  answered: boolean
  at: Moment
  passed: number
  captured: number
}

/** One connection to count, or its end. */
export interface Link {
  destination: string
  type: Destination['type']
  protocol: string
  port: number
}

interface ConnectionItem extends Placed {
  readonly key: string
  readonly state: ConnectionState
}

interface ServiceItem {
  readonly key: string
  readonly state: ServiceState
  readonly endpoints: SortedChunks<EndpointItem>
  readonly connections: SortedChunks<ConnectionItem>
  /** By method, destination and path. */
  readonly variants: Map<string, Variants>
  readonly links: Map<string, ConnectionItem>
}

/**
 * The entries of the map: kept in the state, found by what they are of, sorted for the file. What it holds beside the
 * state is made from it and can be made again.
 */
export class MapEntries {
  readonly #state: KeyedState<MapState>
  readonly #services = new Map<string, ServiceItem>()

  constructor(state: KeyedState<MapState>) {
    this.#state = state
    this.#load()
  }

  /** Sees a service calling. @param image of its container, null when that is not known. */
  service(name: string, image: string | null, at: Moment): void {
    const known = this.#services.get(name)
    if (known === undefined) {
      const state: ServiceState = { kind: 'service', name, image, unattributed: 0, ...unseen(at) }
      const key = serviceKey(name)
      this.#state.set(key, state)
      this.#addService(key, state)
    } else if (image !== null && image !== known.state.image) {
      this.#state.update(known.key)
      known.state.image = image
    }
  }

  /** Bytes of a service's traffic, whether or not an entry counts them. */
  addBytes(name: string, passed: number, captured: number): void {
    const service = this.#changed(name)
    service.state.passed += passed
    service.state.captured += captured
  }

  addUnattributed(name: string): void {
    this.#changed(name).state.unattributed++
  }

  count(serviceName: string, call: Call): void {
    const service = this.#changed(serviceName)
    const base = `${call.method}\0${call.destination}\0${call.type}\0${call.path}`
    let variants = service.variants.get(base)
    if (variants === undefined) {
      variants = new Variants()
      service.variants.set(base, variants)
    }
    let item = variants.find(call.request, call.response)
    if (item === undefined) {
      item = this.#newEndpoint(service, base, call)
      variants.add(item)
    } else this.#state.update(item.key)
    const { state } = item
    state.count++
    if (!call.answered) state.unanswered++
    state.passed += call.passed
    state.captured += call.captured
    widen(state, call.at)
    widen(service.state, call.at)
    SortedChunks.changed(item)
  }

  /** Counts a connection; `count` 0 to say more of one that is counted. The most certain word on the protocol stays. */
  connect(
    serviceName: string,
    link: Link,
    detail: Pick<ConnectionState, 'category' | 'confidence' | 'reason'>,
    at: Moment,
    count: 0 | 1,
  ): void {
    const service = this.#changed(serviceName)
    const item = this.#link(service, link) ?? this.#newConnection(service, link, detail, at)
    const { state } = item
    state.count += count
    if (detail.confidence > state.confidence) Object.assign(state, detail)
    widen(state, at)
    widen(service.state, at)
  }

  /** The end of a connection that is counted; nothing for one that is not. */
  disconnect(serviceName: string, link: Link, at: Moment, passed: number, captured: number): void {
    const service = this.#services.get(serviceName)
    if (service === undefined) return
    const item = this.#link(service, link)
    if (item === undefined) return
    item.state.passed += passed
    item.state.captured += captured
    widen(item.state, at)
    widen(this.#changed(serviceName).state, at)
  }

  /** The file, in pieces. */
  *texts(generatedAt: string): Generator<Buffer> {
    yield Buffer.from(`{\n  "generated_at": "${generatedAt}",\n  "services": [`)
    const names = [...this.#services.keys()].sort()
    for (const [index, name] of names.entries()) {
      const { state, endpoints, connections } = this.#services.get(name) as ServiceItem
      const { head, between, tail } = serviceTexts(state)
      yield Buffer.from(index === 0 ? `\n${head}` : `,\n${head}`)
      yield* listTexts(endpoints)
      yield Buffer.from(between)
      yield* listTexts(connections)
      yield Buffer.from(tail)
    }
    yield Buffer.from(names.length === 0 ? ']\n}\n' : '\n  ]\n}\n')
  }

  #load(): void {
    const endpoints = new Map<string, EndpointItem[]>()
    const connections = new Map<string, ConnectionItem[]>()
    for (const [key, state] of this.#state.entries()) {
      if (state.kind === 'service') this.#addService(key, state)
      else if (state.kind === 'endpoint') push(endpoints, state.service, { key, state, chunk: undefined })
      else if (state.kind === 'connection') push(connections, state.service, { key, state, chunk: undefined })
    }
    for (const [name, items] of endpoints) {
      const service = this.#services.get(name) as ServiceItem
      service.endpoints.fill(items)
      for (const item of items) {
        const { method, destination, type, path } = item.state
        const base = `${method}\0${destination}\0${type}\0${path}`
        let variants = service.variants.get(base)
        if (variants === undefined) {
          variants = new Variants()
          service.variants.set(base, variants)
        }
        variants.add(item)
      }
    }
    for (const [name, items] of connections) {
      const service = this.#services.get(name) as ServiceItem
      service.connections.fill(items)
      for (const item of items) service.links.set(linkText(item.state), item)
    }
  }

  #addService(key: string, state: ServiceState): void {
    this.#services.set(state.name, {
      key,
      state,
      endpoints: new SortedChunks(compareEndpoints, (item) => endpointText(item.state)),
      connections: new SortedChunks(compareConnections, (item) => connectionText(item.state)),
      variants: new Map(),
      links: new Map(),
    })
  }

  #changed(name: string): ServiceItem {
    const service = this.#services.get(name) as ServiceItem
    this.#state.update(service.key)
    return service
  }

  #newEndpoint(service: ServiceItem, base: string, call: Call): EndpointItem {
    const { destination, type, method, path, request, response } = call
    const key = entryKey('e', `${service.state.name}\0${base}\0${request}\0${response}`)
    const state: EndpointState = {
      kind: 'endpoint',
      service: service.state.name,
      destination,
      type,
      method,
      path,
      request,
      response,
      count: 0,
      unanswered: 0,
      ...unseen(call.at),
    }
    this.#state.set(key, state)
    const item: EndpointItem = { key, state, chunk: undefined }
    service.endpoints.insert(item)
    return item
  }

  /** The connection's entry, marked as changed. */
  #link(service: ServiceItem, link: Link): ConnectionItem | undefined {
    const item = service.links.get(linkText(link))
    if (item === undefined) return undefined
    this.#state.update(item.key)
    SortedChunks.changed(item)
    return item
  }

  #newConnection(
    service: ServiceItem,
    link: Link,
    detail: Pick<ConnectionState, 'category' | 'confidence' | 'reason'>,
    at: Moment,
  ): ConnectionItem {
    const { destination, type, protocol, port } = link
    const key = entryKey('c', `${service.state.name}\0${linkText(link)}`)
    const state: ConnectionState = {
      kind: 'connection',
      service: service.state.name,
      destination,
      type,
      protocol,
      port,
      category: detail.category,
      confidence: detail.confidence,
      reason: detail.reason,
      count: 0,
      ...unseen(at),
    }
    this.#state.set(key, state)
    const item: ConnectionItem = { key, state, chunk: undefined }
    service.connections.insert(item)
    service.links.set(linkText(link), item)
    return item
  }
}

function* listTexts<T extends Placed>(list: SortedChunks<T>): Generator<Buffer> {
  let before = openList
  for (const text of list.texts(',\n')) {
    yield before
    yield text
    before = nextItems
  }
  yield before === openList ? emptyList : closeList
}

const openList = Buffer.from('[\n')
const nextItems = Buffer.from(',\n')
const closeList = Buffer.from('\n      ]')
const emptyList = Buffer.from('[]')

function linkText({ destination, type, protocol, port }: Link): string {
  return `${protocol}\0${port}\0${type}\0${destination}`
}

function widen(seen: Seen, at: Moment): void {
  if (isBefore(at, seen.first)) seen.first = at
  if (isBefore(seen.last, at)) seen.last = at
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

/** By UTF-16 units: the same everywhere. */
function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function compareEndpoints({ state: one }: EndpointItem, { state: other }: EndpointItem): number {
  return (
    compare(one.destination, other.destination) ||
    compare(one.path, other.path) ||
    compare(one.method, other.method) ||
    compare(one.type, other.type) ||
    compare(one.request, other.request) ||
    compare(one.response, other.response)
  )
}

function compareConnections({ state: one }: ConnectionItem, { state: other }: ConnectionItem): number {
  return (
    compare(one.destination, other.destination) ||
    compare(one.protocol, other.protocol) ||
    one.port - other.port ||
    compare(one.type, other.type)
  )
}
