import type { InputRecord } from '@syscribe/runtime'
import { type SocketIo, TopicCodec } from '@syscribe/schemas'
import { expect, test } from 'vitest'
import { IoRecord } from '../src/io-record.js'

const codec = new TopicCodec('syscalls')
const record: SocketIo = {
  connection: Buffer.from('0011223344556677', 'hex'),
  time: 1_763_856_000_123_456,
  timeNanos: 789,
  direction: 'recv',
  role: 'server',
  cookie: 2 ** 45 + 1,
  position: 2 ** 40 + 3,
  length: 70_000,
  missing: 'cap',
  layer: 'tls',
  joinedLate: true,
  transport: 'udp',
  localAddress: Buffer.from('20010db8000000000000000000000001', 'hex'),
  localPort: 65_535,
  remoteAddress: Buffer.alloc(0),
  remotePort: 0,
  pid: 4_194_304,
  processStart: 2 ** 33,
  netns: 4_026_531_840,
  host: 'höst',
  boot: Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex'),
  payload: Buffer.from('payload'),
}

function input(value: Buffer, writer = codec): InputRecord {
  const { topic, partition, offset, timestamp, key } = {
    topic: 'syscalls',
    partition: 0,
    offset: 0,
    timestamp: 0,
    key: null,
  } as const
  return { topic, partition, offset, timestamp, key, value, codec: writer as unknown as InputRecord['codec'] }
}

function read(from: InputRecord) {
  const io = new IoRecord()
  io.open(from)
  io.read()
  const { missing, payload, ...plain } = record
  const names = Object.keys(plain) as (keyof typeof plain)[]
  return {
    ...Object.fromEntries(names.map((name) => [name, io[name]])),
    reason: io.reason,
    payload: io.bytes.subarray(io.payloadStart, io.payloadEnd),
  }
}

test('reads what the codec writes', () => {
  const { missing, ...rest } = record
  expect(read(input(codec.encode('SocketIo', record)))).toEqual({ ...rest, reason: 'capture_cap' })
})

test('reads what an older schema wrote', () => {
  const schema = structuredClone(codec.schema) as unknown as { fields: { name: string }[] }[]
  const older = schema[0] as { fields: { name: string }[] }
  // The same fields in another order: its bytes cannot be read in place.
  const [first, second, ...others] = older.fields
  older.fields = [second as { name: string }, first as { name: string }, ...others]
  const writer = new TopicCodec('syscalls', schema as never)
  expect(writer.isCurrent('SocketIo')).toBe(false)
  const bytes = codec.encode('SocketIo', record)
  const time = bytes.subarray(9, 17)
  const swapped = Buffer.concat([bytes.subarray(0, 1), time, bytes.subarray(1, 9), bytes.subarray(17)])
  const { missing, ...rest } = record
  expect(read(input(swapped, writer))).toEqual({ ...rest, reason: 'capture_cap' })
})

test('a record cut short is an error', () => {
  const bytes = codec.encode('SocketIo', record)
  expect(() => read(input(bytes.subarray(0, -3)))).toThrow(expect.objectContaining({ code: 'record_invalid' }))
})
