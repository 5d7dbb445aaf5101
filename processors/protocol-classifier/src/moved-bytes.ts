import type { InputRecord } from '@syscribe/runtime'
import {
  AvroCursor,
  directions,
  type KindRecord,
  type NotCaptured,
  namedSchema,
  roles,
  TopicCodec,
} from '@syscribe/schemas'

function symbols<T extends string>(name: string): readonly T[] {
  return (namedSchema(name) as unknown as { symbols: T[] }).symbols
}

const reasons = symbols<NotCaptured>('NotCaptured')
const layers = symbols('Layer')
const onSocket = layers.indexOf('socket')

/**
 * What is read of a SocketIo record to count it: its fields up to the layer, in place. Re-used from record to record.
 *
 * It knows the order of SocketIo's fields (a test compares it with the schema's codec); a record written with another
 * version of the schema is encoded anew first.
 */
export class MovedBytes {
  /** The connection's key in the state: its id, one character per byte. */
  key = ''
  direction: (typeof directions)[number] = 'send'
  role: (typeof roles)[number] = 'unknown'
  cookie = 0
  position = 0
  length = 0
  missing: NotCaptured = 'none'
  /** Read at the socket, not above a TLS library. */
  onSocket = true
  readonly #cursor = new AvroCursor()
  readonly #codec = new TopicCodec('syscalls')

  /** @throws SchemaError `record_invalid` */
  open(input: InputRecord): void {
    let { value } = input
    if (!input.codec.isCurrent('SocketIo')) {
      value = this.#codec.encode('SocketIo', input.codec.decode(value).value as KindRecord<'SocketIo'>)
    }
    this.key = String.fromCharCode(
      value[1] as number,
      value[2] as number,
      value[3] as number,
      value[4] as number,
      value[5] as number,
      value[6] as number,
      value[7] as number,
      value[8] as number,
    )
    // Behind the branch and the id: the time, which the record's timestamp tells well enough.
    let at = 9
    while ((value[at++] as number) >= 0x80);
    while ((value[at++] as number) >= 0x80);
    const cursor = this.#cursor
    cursor.reset(value, at)
    this.direction = directions[cursor.index(directions.length)] as (typeof directions)[number]
    this.role = roles[cursor.index(roles.length)] as (typeof roles)[number]
    this.cookie = cursor.long()
    this.position = cursor.long()
    this.length = cursor.long()
    this.missing = reasons[cursor.index(reasons.length)] as NotCaptured
    this.onSocket = cursor.index(layers.length) === onSocket
    cursor.check('SocketIo')
  }

  /** Bytes of the payload, which is passed over; after `open` only. @throws SchemaError `record_invalid` */
  captured(): number {
    if (this.missing === 'none') return this.length
    const cursor = this.#cursor
    // joinedLate, transport, local and remote address and port, pid, processStart, netns, host, boot.
    cursor.long()
    cursor.long()
    for (let end = 0; end < 2; end++) {
      cursor.skipBytes()
      cursor.long()
    }
    cursor.long()
    cursor.long()
    cursor.long()
    cursor.skipBytes()
    cursor.at += 16
    cursor.skipBytes()
    cursor.check('SocketIo')
    return cursor.at - cursor.start
  }
}
