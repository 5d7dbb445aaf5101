import type { InputRecord } from '@syscribe/runtime'
import { type SocketIo, TopicCodec, type TopicName } from '@syscribe/schemas'
import { expect, test } from 'vitest'
import { MovedBytes } from '../src/moved-bytes.js'

const record: SocketIo = {
  connection: Buffer.from('80ff00017f1020fe', 'hex'),
  time: 1_700_000_000_123_456,
  timeNanos: 999,
  direction: 'recv',
  role: 'server',
  cookie: 2 ** 40 + 3,
  position: 2 ** 33 + 5,
  length: 70_000,
  missing: 'cap',
  layer: 'tls',
  joinedLate: true,
  transport: 'udp',
  localAddress: Buffer.alloc(16, 9),
  localPort: 65_535,
  remoteAddress: Buffer.alloc(4, 7),
  remotePort: 1,
  pid: 4_194_304,
  processStart: 2 ** 35,
  netns: 4_026_531_840,
  host: 'höst',
  boot: Buffer.alloc(16, 3),
  payload: Buffer.alloc(300, 1),
}

function opened(value: SocketIo, codec = new TopicCodec('syscalls')): { moved: MovedBytes; captured: number } {
  const input = {
    codec: codec as unknown as TopicCodec<TopicName>,
    value: codec.encode('SocketIo', value),
  } as InputRecord
  const moved = new MovedBytes()
  moved.open(input)
  return { moved, captured: moved.captured() }
}

test('reads in place what the codec wrote', () => {
  const { moved, captured } = opened(record)
  expect(moved).toMatchObject({
    key: record.connection.toString('latin1'),
    direction: 'recv',
    role: 'server',
    cookie: record.cookie,
    position: record.position,
    length: 70_000,
    missing: 'cap',
    onSocket: false,
  })
  expect(captured).toBe(300)
  expect(opened({ ...record, missing: 'none', length: 300, layer: 'socket' })).toMatchObject({
    captured: 300,
    moved: { onSocket: true },
  })
})

test('reads a record of another version of the schema', () => {
  const schema = structuredClone(new TopicCodec('syscalls').schema) as unknown as {
    name: string
    fields: { name: string }[]
  }[]
  const io = schema.find(({ name }) => name.endsWith('SocketIo'))
  // The time's nanoseconds last: the fields in front lie elsewhere.
  const moved = io?.fields.splice(2, 1) ?? []
  io?.fields.push(...moved)
  const later = new TopicCodec('syscalls', schema as never)
  expect(later.isCurrent('SocketIo')).toBe(false)
  const value = new TopicCodec('syscalls').encode('SocketIo', record)
  // Bytes 1 to 8 the id, then the time, then one zigzag varint of 2 bytes for 999.
  const time = 9 + 8
  const reordered = Buffer.concat([value.subarray(0, time), value.subarray(time + 2), value.subarray(time, time + 2)])
  expect(later.decode(reordered).value).toEqual(record)
  const reader = new MovedBytes()
  reader.open({ codec: later as unknown as TopicCodec<TopicName>, value: reordered } as InputRecord)
  expect(reader).toMatchObject({ cookie: record.cookie, position: record.position, length: 70_000 })
  expect(reader.captured()).toBe(300)
})

test('what is cut short is an error', () => {
  const codec = new TopicCodec('syscalls')
  const value = codec.encode('SocketIo', record)
  const read = (length: number) => () => {
    const moved = new MovedBytes()
    moved.open({ codec: codec as unknown as TopicCodec<TopicName>, value: value.subarray(0, length) } as InputRecord)
    moved.captured()
  }
  expect(read(20)).toThrow(expect.objectContaining({ code: 'record_invalid' }))
  expect(read(value.length - 1)).toThrow(expect.objectContaining({ code: 'record_invalid' }))
})
