import type { InputRecord, KeyedState, Output, ProcessorInstance } from '@syscribe/runtime'
import { type HttpMessage, type KindRecord, type SocketIo, TopicCodec, type TopicKind } from '@syscribe/schemas'
import { type Connection, httpParser } from '../src/index.js'

const syscalls = new TopicCodec('syscalls')
const http = new TopicCodec('http')

export const startTime = 1_700_000_000_000_000
const clientAddress = Buffer.from([10, 0, 0, 1])
const serverAddress = Buffer.from([10, 0, 0, 2])

export type Side = 'client' | 'server'

/** A processor instance with its surroundings, and short ways to make records for it. */
export class Run {
  readonly state: MapState = new MapState()
  /** Decoded, in the order they were emitted. */
  readonly messages: HttpMessage[] = []
  readonly timestamps: number[] = []
  readonly joinedLate: boolean
  connection: Buffer = Buffer.from('0123456789abcdef', 'hex')
  time = startTime
  #instance: ProcessorInstance<Connection> = httpParser.create()
  readonly #positions = new Map<string, number>()
  readonly #buffer = Buffer.alloc(64 * 1024)
  readonly out: Output = {
    emit: () => {
      throw new Error('messages are emitted encoded')
    },
    emitEncoded: (topic, key, timestamp, sizeHint, write) => {
      if (topic !== 'http' || !this.connection.equals(key)) throw new Error(`emitted to ${topic} with another key`)
      const room = sizeHint > this.#buffer.length ? Buffer.alloc(sizeHint) : this.#buffer
      const end = write(room, 0)
      if (end < 0) throw new Error(`the size hint of ${sizeHint} was ${-end} too small`)
      const { kind, value } = http.decode(Buffer.from(room.subarray(0, end)))
      if (kind !== 'HttpMessage') throw new Error(`emitted a ${kind}`)
      this.messages.push(value)
      this.timestamps.push(timestamp)
    },
  }

  constructor(joinedLate = false) {
    this.joinedLate = joinedLate
  }

  step<K extends TopicKind<'syscalls'>>(kind: K, value: KindRecord<K>, time: number): void {
    const input = {
      topic: 'syscalls',
      partition: 0,
      offset: 0,
      timestamp: Math.floor(time / 1000),
      key: this.connection,
      value: syscalls.encode(kind, value),
      codec: syscalls as unknown as InputRecord['codec'],
    } as const
    this.#instance.step(input, this.state, this.out)
    // The input is a view that does not outlive the step.
    input.value.fill(0xee)
  }

  watermark(time: number, final = false): void {
    this.#instance.watermark?.(Math.floor(time / 1000), final, this.state, this.out)
  }

  /** Goes on as after a crash: a fresh instance, and the state as it was written. */
  restart(): void {
    this.#instance = httpParser.create()
    this.state.reload()
  }

  opened(side: Side, sendPosition = 0, receivePosition = 0): void {
    this.step(
      'ConnectionOpened',
      {
        ...place(side),
        connection: this.connection,
        ...this.#tick(),
        sendPosition,
        receivePosition,
        joinedLate: this.joinedLate,
      },
      this.time,
    )
    this.#positions.set(`${side}/send`, sendPosition)
    this.#positions.set(`${side}/recv`, receivePosition)
  }

  closed(side: Side, sent?: number, received?: number): void {
    const { cookie, pid, processStart, host, boot } = place(side)
    const value = { cookie, pid, processStart, host, boot, connection: this.connection, ...this.#tick() }
    this.step(
      'ConnectionClosed',
      {
        ...value,
        sent: sent ?? this.#position(side, 'send'),
        received: received ?? this.#position(side, 'recv'),
      },
      this.time,
    )
  }

  /** Lets so much event time pass that nothing is waited for. */
  pass(micros = 10_000_000): void {
    this.time += micros
    this.watermark(this.time)
  }

  send(side: Side, payload: string | Buffer, more: Partial<SocketIo> = {}): void {
    this.io(side, 'send', payload, more)
  }
  receive(side: Side, payload: string | Buffer, more: Partial<SocketIo> = {}): void {
    this.io(side, 'recv', payload, more)
  }

  io(side: Side, direction: 'send' | 'recv', payload: string | Buffer, more: Partial<SocketIo> = {}): void {
    const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload
    const position = more.position ?? this.#position(side, direction)
    const length = more.length ?? bytes.length
    this.#positions.set(`${side}/${direction}`, Math.max(this.#position(side, direction), position + length))
    const value: SocketIo = {
      ...place(side),
      connection: this.connection,
      ...this.#tick(),
      direction,
      missing: length > bytes.length ? 'cap' : 'none',
      layer: 'socket',
      joinedLate: this.joinedLate,
      ...more,
      position,
      length,
      payload: bytes,
    }
    this.step('SocketIo', value, value.time)
  }

  /** Bytes that pass without a record. */
  skip(side: Side, direction: 'send' | 'recv', length: number): void {
    this.#positions.set(`${side}/${direction}`, this.#position(side, direction) + length)
  }

  #position(side: Side, direction: 'send' | 'recv'): number {
    return this.#positions.get(`${side}/${direction}`) ?? 0
  }

  #tick(): { time: number; timeNanos: number } {
    this.time += 10
    return { time: this.time, timeNanos: 7 }
  }
}

export function place(side: Side) {
  const client = side === 'client'
  return {
    role: side,
    cookie: client ? 11 : 22,
    transport: 'tcp' as const,
    localAddress: client ? clientAddress : serverAddress,
    localPort: client ? 40_000 : 80,
    remoteAddress: client ? serverAddress : clientAddress,
    remotePort: client ? 80 : 40_000,
    pid: client ? 101 : 202,
    processStart: client ? 1001 : 2002,
    netns: 4_026_531_840,
    host: 'box',
    boot: Buffer.alloc(16, 5),
  }
}

/** Keyed state that can be written and read back as the runtime does. */
export class MapState implements KeyedState<Connection> {
  #entries = new Map<string, Connection>()
  get size(): number {
    return this.#entries.size
  }
  get(key: string): Connection | undefined {
    return this.#entries.get(key)
  }
  update(key: string): Connection | undefined {
    return this.#entries.get(key)
  }
  set(key: string, value: Connection): void {
    this.#entries.set(key, value)
  }
  delete(key: string): void {
    this.#entries.delete(key)
  }
  entries(): IterableIterator<[string, Connection]> {
    return this.#entries.entries()
  }
  /** Bytes the state takes when written. */
  get bytes(): number {
    let bytes = 0
    for (const value of this.#entries.values()) bytes += httpParser.state.encode(value).length
    return bytes
  }
  reload(): void {
    const { encode, decode } = httpParser.state
    this.#entries = new Map([...this.#entries].map(([key, value]) => [key, decode(Buffer.from(encode(value)))]))
  }
}

/** Body of a message: what `body` says, or the end of `raw`. */
export function bodyOf(message: HttpMessage): string {
  return (message.body ?? message.raw.subarray(message.bodyStart)).toString('latin1')
}
