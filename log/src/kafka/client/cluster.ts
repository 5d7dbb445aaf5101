import { Connection, type ConnectionOptions } from './connection.js'
import { checkCode, faultOf, KafkaFault, misplaced } from './fault.js'
import { coordinatorRequest } from './requests/coordinator.js'
import { type ClusterMetadata, metadataRequest } from './requests/metadata.js'
import { type Patience, persist } from './retry.js'
import type { WireRequest } from './wire.js'

export interface ClusterOptions extends ConnectionOptions {
  /** host:port */
  brokers: readonly string[]
}

interface Address {
  host: string
  port: number
}

/** What is known of a cluster. */
interface Known {
  brokers: Map<number, Address>
  controller: number
  /** Leader of each partition, -1 when there is none now. */
  leaders: Map<string, number[]>
  coordinators: Map<string, number>
}

function unknown(): Known {
  return { brokers: new Map(), controller: -1, leaders: new Map(), coordinators: new Map() }
}

/** What a request is about, and so which broker gets it. */
export type Place =
  | { any: true }
  | { controller: true }
  | { broker: number }
  | { topic: string; partition: number }
  | { group: string }
  | { transactionalId: string }

/**
 * The brokers of a cluster: who leads what, connections, and requests that are tried again where things have moved.
 * Faults leave here as KafkaFault.
 */
export class Cluster {
  readonly #options: ClusterOptions
  readonly #seeds: Address[]
  readonly #known: Known
  readonly #connections = new Map<string, Promise<Connection>>()
  #closed = false

  constructor(options: ClusterOptions, known: Known = unknown()) {
    this.#options = options
    this.#seeds = options.brokers.map(parseAddress)
    this.#known = known
  }

  /** The same with connections of its own: an answer that waits for news does not hold up others. */
  apart(): Cluster {
    return new Cluster(this.#options, this.#known)
  }

  /** One attempt. @throws KafkaFault */
  async send<T>(place: Place, request: WireRequest<T>): Promise<T> {
    try {
      // Who cannot be connected to may have given its place to another, too.
      return await (await this.connectionTo(place)).send(request)
    } catch (error) {
      this.forgetIfMisplaced(place, error)
      throw error
    }
  }

  /** As many attempts as patience allows. @throws KafkaFault the last fault */
  ask<T>(place: Place, request: WireRequest<T>, patience: Patience): Promise<T> {
    return persist(patience, () => this.send(place, request))
  }

  /** Facts about topics; null for all there are. One attempt. @throws KafkaFault */
  async metadata(topics: readonly string[] | null): Promise<ClusterMetadata> {
    const metadata = await this.send({ any: true }, metadataRequest(topics))
    this.#known.brokers = new Map(metadata.brokers.map(({ id, host, port }) => [id, { host, port }]))
    this.#known.controller = metadata.controller
    for (const { topic, code, leaders } of metadata.topics) {
      if (code === 0) this.#known.leaders.set(topic, leaders)
      else this.#known.leaders.delete(topic)
    }
    return metadata
  }

  /** Leaders of a topic's partitions. @throws KafkaFault `UNKNOWN_TOPIC_OR_PARTITION` */
  async leaders(topic: string): Promise<readonly number[]> {
    const known = this.#known.leaders.get(topic)
    if (known !== undefined) return known
    const { topics } = await this.metadata([topic])
    checkCode(topics[0]!.code, `topic ${topic}`)
    return topics[0]!.leaders
  }

  /** @throws KafkaFault */
  async leader(topic: string, partition: number): Promise<number> {
    const leader = (await this.leaders(topic))[partition]
    if (leader === undefined) throw faultOf(3, `topic ${topic} partition ${partition}`)
    if (leader >= 0) return leader
    this.#known.leaders.delete(topic)
    throw faultOf(5, `topic ${topic} partition ${partition}`)
  }

  forgetTopic(topic: string): void {
    this.#known.leaders.delete(topic)
  }

  forgetIfMisplaced(place: Place, error: unknown): void {
    if (!(error instanceof KafkaFault) || !misplaced.has(error.type)) return
    if ('topic' in place) this.#known.leaders.delete(place.topic)
    if ('broker' in place) this.#known.leaders.clear()
    if ('controller' in place) this.#known.controller = -1
    if ('group' in place || 'transactionalId' in place) this.#known.coordinators.delete(JSON.stringify(place))
  }

  /** @throws KafkaFault */
  async connectionTo(place: Place): Promise<Connection> {
    if ('any' in place) return this.#any()
    if ('broker' in place) return this.#connection(place.broker)
    if ('topic' in place) return this.#connection(await this.leader(place.topic, place.partition))
    if ('controller' in place) {
      if (this.#known.controller < 0) await this.metadata([])
      return this.#connection(this.#known.controller)
    }
    return this.#connection(await this.#coordinator(place))
  }

  /** Ends all connections; what waits for an answer fails. */
  close(): void {
    this.#closed = true
    for (const opening of this.#connections.values()) void opening.then((open) => open.destroy()).catch(() => undefined)
    this.#connections.clear()
  }

  async #coordinator(place: { group: string } | { transactionalId: string }): Promise<number> {
    const key = JSON.stringify(place)
    const known = this.#known.coordinators.get(key)
    if (known !== undefined) return known
    const found = await this.send({ any: true }, coordinatorRequest(place))
    this.#known.brokers.set(found.id, { host: found.host, port: found.port })
    this.#known.coordinators.set(key, found.id)
    return found.id
  }

  async #any(): Promise<Connection> {
    let fault: unknown = new KafkaFault('CONNECTION', 'no brokers are given')
    for (const opening of this.#connections.values()) {
      const open = await opening.catch(() => null)
      if (open?.alive) return open
    }
    for (const id of this.#known.brokers.keys()) {
      try {
        return await this.#connection(id)
      } catch (error) {
        fault = error
      }
    }
    for (const seed of this.#seeds) {
      try {
        return await this.#open(`${seed.host}:${seed.port}`, seed)
      } catch (error) {
        fault = error
      }
    }
    throw fault
  }

  #connection(id: number): Promise<Connection> {
    const address = this.#known.brokers.get(id)
    if (address === undefined) throw new KafkaFault('CONNECTION', `the address of broker ${id} is not known`)
    return this.#open(`${address.host}:${address.port}`, address)
  }

  async #open(key: string, { host, port }: Address): Promise<Connection> {
    const before = this.#connections.get(key)
    if (before !== undefined) {
      const connection = await before
      if (connection.alive) return connection
      connection.retire()
      if (this.#connections.get(key) === before) this.#connections.delete(key)
      else return this.#open(key, { host, port })
    }
    if (this.#closed) throw new KafkaFault('CLOSED', 'the client is closed')
    const opening = Connection.open(host, port, this.#options)
    this.#connections.set(key, opening)
    try {
      const connection = await opening
      if (this.#closed) connection.destroy()
      return connection
    } catch (error) {
      if (this.#connections.get(key) === opening) this.#connections.delete(key)
      throw error
    }
  }
}

function parseAddress(broker: string): Address {
  const match = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(broker)
  const port = Number(match?.[3])
  if (match === null || !(port > 0 && port < 65_536)) {
    throw new KafkaFault('INVALID_ADDRESS', `${JSON.stringify(broker)} is not HOST:PORT`)
  }
  return { host: match[1] ?? match[2]!, port }
}
