import type { InputRecord, KeyedState, Output } from '@syscribe/runtime'
import {
  type Connection,
  type ConnectionEnd,
  type KindRecord,
  type NameAnswer,
  type SocketIo,
  TopicCodec,
  type TopicKind,
  type TopicName,
} from '@syscribe/schemas'
import { type ConnectionState, protocolClassifier } from '../src/index.js'

const codec = new TopicCodec('syscalls')
const outputCodecs = { connections: new TopicCodec('connections'), names: new TopicCodec('names') }
export const boot = Buffer.alloc(16, 0xb0)
/** 2023-11-14T22:13:20Z in milliseconds. */
export const t0 = 1_700_000_000_000

export type Emitted = { [K in 'Connection' | 'ConnectionEnd' | 'NameAnswer']: EmittedOf<K> }[
  | 'Connection'
  | 'ConnectionEnd'
  | 'NameAnswer']
interface EmittedOf<K extends string> {
  topic: TopicName
  kind: K
  value: KindRecord<K>
  key: string
  timestamp: number
}

/** Settings of one observed end; the client's end of a TCP connection to 10.0.0.2 unless said otherwise. */
export interface EndSettings {
  connection?: string
  cookie?: number
  role?: 'client' | 'server' | 'unknown'
  port?: number
  pid?: number
  joinedLate?: boolean
  transport?: 'tcp' | 'udp'
  host?: string
}

/** One classifier with a state in memory, driven record by record. */
export class Harness {
  readonly state = new MapState()
  #instance = protocolClassifier.create()
  readonly emitted: Emitted[] = []
  time = t0
  #offset = 0
  readonly #out: Output = {
    emit: (topic, kind, value, key, timestamp) => {
      // What was emitted must fit the schema.
      const encoded = outputCodecs[topic as 'connections' | 'names'] as unknown as TopicCodec<TopicName>
      const decoded = encoded.decode(encoded.encode(kind as never, value as never))
      this.emitted.push({
        topic,
        kind: kind as never,
        value: decoded.value as never,
        key: Buffer.from(key).toString('latin1'),
        timestamp,
      })
    },
    emitEncoded: () => {
      throw new Error('not used')
    },
  }

  record<K extends TopicKind<'syscalls'>>(kind: K, value: KindRecord<K>): void {
    const input: InputRecord = {
      topic: 'syscalls',
      partition: 0,
      offset: this.#offset++,
      timestamp: this.time,
      key: null,
      value: codec.encode(kind, value),
      codec: codec as unknown as TopicCodec<TopicName>,
    }
    this.#instance.step(input, this.state, this.#out)
  }

  watermark(time: number, final = false): void {
    this.time = Math.max(this.time, time)
    this.#instance.watermark?.(time, final, this.state, this.#out)
  }

  /** As after a crash: a fresh instance, and the state as it was written. */
  restart(): void {
    this.state.throughBytes()
    this.#instance = protocolClassifier.create()
  }

  end(settings: EndSettings = {}): TestEnd {
    return new TestEnd(this, settings)
  }

  get connections(): Connection[] {
    return this.emitted.filter((each) => each.kind === 'Connection').map((each) => each.value as Connection)
  }

  get ends(): ConnectionEnd[] {
    return this.emitted.filter((each) => each.kind === 'ConnectionEnd').map((each) => each.value as ConnectionEnd)
  }

  get names(): NameAnswer[] {
    return this.emitted.filter((each) => each.kind === 'NameAnswer').map((each) => each.value as NameAnswer)
  }
}

/** What the collector writes of one end. */
export class TestEnd {
  readonly #harness: Harness
  readonly #settings: Required<EndSettings>
  #sent: number
  #received: number

  constructor(harness: Harness, settings: EndSettings) {
    this.#harness = harness
    this.#settings = {
      connection: '01020304a0b0c0d0',
      cookie: 77,
      role: 'client',
      port: 40_000,
      pid: 500,
      joinedLate: false,
      transport: 'tcp',
      host: 'h1',
      ...settings,
    }
    this.#sent = this.#settings.joinedLate ? 1_000_000 : 0
    this.#received = this.#settings.joinedLate ? 2_000_000 : 0
  }

  #identity() {
    const { connection, cookie, pid, host } = this.#settings
    const time = this.#harness.time * 1000 + 5
    return {
      connection: Buffer.from(connection, 'hex'),
      time,
      timeNanos: 6,
      cookie,
      pid,
      processStart: 9000,
      host,
      boot,
    }
  }

  #place() {
    const { role, port, joinedLate, transport } = this.#settings
    const client = { address: Buffer.from([10, 0, 0, 1]), port: 51_000 }
    const server = { address: Buffer.from([10, 0, 0, 2]), port }
    const [local, remote] = role === 'server' ? [server, client] : [client, server]
    return {
      role,
      joinedLate,
      transport,
      localAddress: local.address,
      localPort: local.port,
      remoteAddress: remote.address,
      remotePort: remote.port,
      netns: 4_026_531_840,
    }
  }

  opened(): this {
    const positions = { sendPosition: this.#sent, receivePosition: this.#received }
    this.#harness.record('ConnectionOpened', { ...this.#identity(), ...this.#place(), ...positions })
    return this
  }

  send(payload: Uint8Array | string, changes: Partial<SocketIo> = {}): this {
    return this.#io('send', payload, changes)
  }

  receive(payload: Uint8Array | string, changes: Partial<SocketIo> = {}): this {
    return this.#io('recv', payload, changes)
  }

  /** Bytes that passed and of which no record tells. */
  lose(direction: 'send' | 'recv', length: number): this {
    if (direction === 'send') this.#sent += length
    else this.#received += length
    return this
  }

  #io(direction: 'send' | 'recv', data: Uint8Array | string, changes: Partial<SocketIo>): this {
    const payload = Buffer.from(data as string, 'latin1')
    const length = changes.length ?? payload.length
    const position = direction === 'send' ? this.#sent : this.#received
    this.lose(direction, length)
    this.#harness.record('SocketIo', {
      ...this.#identity(),
      ...this.#place(),
      direction,
      position,
      length,
      missing: 'none',
      layer: 'socket',
      payload,
      ...changes,
    })
    return this
  }

  closed(): this {
    this.#harness.record('ConnectionClosed', { ...this.#identity(), sent: this.#sent, received: this.#received })
    return this
  }
}

class MapState implements KeyedState<ConnectionState> {
  #values = new Map<string, ConnectionState>()
  readonly dirty = new Set<string>()
  get size(): number {
    return this.#values.size
  }
  get(key: string): ConnectionState | undefined {
    return this.#values.get(key)
  }
  update(key: string): ConnectionState | undefined {
    this.dirty.add(key)
    return this.#values.get(key)
  }
  set(key: string, value: ConnectionState): void {
    this.dirty.add(key)
    this.#values.set(key, value)
  }
  delete(key: string): void {
    this.dirty.add(key)
    this.#values.delete(key)
  }
  entries(): IterableIterator<[string, ConnectionState]> {
    return this.#values.entries()
  }
  /** Every value written and read again, and the keys in another order. */
  throughBytes(): void {
    const written = [...this.#values].map(
      ([key, value]) => [key, Buffer.from(protocolClassifier.state.encode(value))] as const,
    )
    this.#values = new Map(written.reverse().map(([key, bytes]) => [key, protocolClassifier.state.decode(bytes)]))
  }
}
