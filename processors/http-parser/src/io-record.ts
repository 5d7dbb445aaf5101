import type { InputRecord } from '@syscribe/runtime'
import type { Direction, Layer, MissingReason, NotCaptured, Role, Transport } from '@syscribe/schemas'
import { AvroCursor, directions, type KindRecord, namedSchema, roles, TopicCodec } from '@syscribe/schemas'
import type { Seen } from './direction.js'

function symbols<T extends string>(name: string): readonly T[] {
  return (namedSchema(name) as unknown as { symbols: T[] }).symbols
}

const causes = symbols<NotCaptured>('NotCaptured')
const layers = symbols<Layer>('Layer')
const transports = symbols<Transport>('Transport')

/** What a message says of bytes that were not captured, by why they were not. */
const reasons: Record<NotCaptured, MissingReason> = {
  none: 'lost',
  cap: 'capture_cap',
  fault: 'lost',
  no_user_buffer: 'lost',
  io_uring: 'lost',
  lost: 'lost',
  joined_late: 'joined_late',
  other: 'lost',
}
const reasonOfCause: readonly MissingReason[] = causes.map((cause) => reasons[cause])

/**
 * A SocketIo record read in place, in two steps, so that a connection of no interest costs little: first what tells
 * which socket it is, then the rest. Re-used from record to record.
 *
 * It knows the order of SocketIo's fields (a test compares it with the schema's codec); a record written with another
 * version of the schema is encoded anew first.
 */
export class IoRecord implements Seen {
  /** The encoded record, branch byte first. */
  bytes: Buffer = Buffer.alloc(0)
  time = 0
  timeNanos = 0
  direction: Direction = 'send'
  role: Role = 'unknown'
  cookie = 0
  position = 0
  length = 0
  reason: MissingReason = 'lost'
  layer: Layer = 'socket'

  joinedLate = false
  transport: Transport = 'tcp'
  localPort = 0
  remotePort = 0
  pid = 0
  processStart = 0
  netns = 0
  payloadStart = 0
  payloadEnd = 0
  #localStart = 0
  #localEnd = 0
  #remoteStart = 0
  #remoteEnd = 0
  #hostStart = 0
  #hostEnd = 0
  #bootStart = 0
  readonly #cursor = new AvroCursor()
  /** Made when first needed: it costs as much as thousands of records. */
  #codec: TopicCodec<'syscalls'> | undefined

  /** Reads up to the layer. */
  open(input: InputRecord): void {
    let { value } = input
    if (!input.codec.isCurrent('SocketIo')) {
      this.#codec ??= new TopicCodec('syscalls')
      value = this.#codec.encode('SocketIo', input.codec.decode(value).value as KindRecord<'SocketIo'>)
    }
    const cursor = this.#cursor
    this.bytes = value
    cursor.reset(value, 9)
    this.time = cursor.long()
    this.timeNanos = cursor.long()
    this.direction = directions[cursor.index(directions.length)] as Direction
    this.role = roles[cursor.index(roles.length)] as Role
    this.cookie = cursor.long()
    this.position = cursor.long()
    this.length = cursor.long()
    this.reason = reasonOfCause[cursor.index(reasonOfCause.length)] as MissingReason
    this.layer = layers[cursor.index(layers.length)] as Layer
  }

  /** Reads the rest; after `open` only. @throws SchemaError `record_invalid` */
  read(): void {
    const cursor = this.#cursor
    this.joinedLate = cursor.boolean()
    this.transport = transports[cursor.index(transports.length)] as Transport
    cursor.skipBytes()
    this.#localStart = cursor.start
    this.#localEnd = cursor.at
    this.localPort = cursor.long()
    cursor.skipBytes()
    this.#remoteStart = cursor.start
    this.#remoteEnd = cursor.at
    this.remotePort = cursor.long()
    this.pid = cursor.long()
    this.processStart = cursor.long()
    this.netns = cursor.long()
    cursor.skipBytes()
    this.#hostStart = cursor.start
    this.#hostEnd = cursor.at
    this.#bootStart = cursor.at
    cursor.at += 16
    cursor.skipBytes()
    this.payloadStart = cursor.start
    this.payloadEnd = cursor.at
    cursor.check('SocketIo')
  }

  get connection(): Buffer {
    return Buffer.from(this.bytes.subarray(1, 9))
  }
  get localAddress(): Buffer {
    return Buffer.from(this.bytes.subarray(this.#localStart, this.#localEnd))
  }
  get remoteAddress(): Buffer {
    return Buffer.from(this.bytes.subarray(this.#remoteStart, this.#remoteEnd))
  }
  get host(): string {
    return this.bytes.toString('utf8', this.#hostStart, this.#hostEnd)
  }
  get boot(): Buffer {
    return Buffer.from(this.bytes.subarray(this.#bootStart, this.#bootStart + 16))
  }
}
