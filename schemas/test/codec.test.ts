import { expect, test } from 'vitest'
import { TopicCodec } from '../src/index.js'
import { edited } from './edited-schema.js'

const host = { host: 'h', boot: Buffer.alloc(16, 1) }
const answer = {
  time: 1_700_000_000_000_000,
  timeNanos: 7,
  process: { ...host, pid: 5, processStart: 99 },
  name: 'example.test',
  addresses: ['192.0.2.1'],
}

test('a record comes back as it was written', () => {
  const codec = new TopicCodec('names')
  const bytes = codec.encode('NameAnswer', answer)
  expect(codec.kindOf(bytes)).toBe('NameAnswer')
  expect(codec.decode(bytes)).toEqual({ kind: 'NameAnswer', value: answer })
})

test('some fields are read without the others, also when an earlier field defined their type', () => {
  const codec = new TopicCodec('connections')
  const end = {
    connection: Buffer.alloc(8, 3),
    time: 1,
    timeNanos: 2,
    role: 'client' as const,
    cookie: 9,
    netns: 4,
    process: { ...host, pid: 5, processStart: 99 },
    peer: { ...host, pid: 6, processStart: 98 },
    clientAddress: '127.0.0.1',
    clientPort: 1,
    serverAddress: '127.0.0.1',
    serverPort: 2,
    protocol: null,
    sent: 3,
    received: 4,
    captured: 5,
    unseen: ['cap' as const],
  }
  const read = codec.fields('ConnectionEnd', ['peer', 'unseen'])
  expect(read(codec.encode('ConnectionEnd', end))).toEqual({ peer: end.peer, unseen: ['cap'] })
})

test('a codec for another writer reads its records, skips kinds it does not know', () => {
  const writer = new TopicCodec('names')
  const older = structuredClone(writer.schema) as unknown as Record<string, unknown>[]
  const codec = new TopicCodec('names', [...older, { type: 'record', name: 'syscribe.Later', fields: [] }] as never)
  expect(codec.decode(writer.encode('NameAnswer', answer)).value).toEqual(answer)
  expect(codec.kindOf(Buffer.from([4]))).toBeUndefined()
})

test('a schema that cannot be read is refused, by the place that is at fault', () => {
  const writer = edited(new TopicCodec('names').schema, 'NameAnswer', ({ fields }) => fields.splice(3, 1))
  expect(() => new TopicCodec('names', writer)).toThrow(
    expect.objectContaining({
      code: 'schema_incompatible',
      message: 'topic names: this version cannot read what was written: NameAnswer.name: a new field needs a default',
    }),
  )
})

test('what is not a record gives a typed error', () => {
  const codec = new TopicCodec('names')
  expect(() => codec.decode(Buffer.from([40, 1]))).toThrow(expect.objectContaining({ code: 'record_invalid' }))
  expect(() => codec.decode(codec.encode('NameAnswer', answer).subarray(0, 20))).toThrow(
    expect.objectContaining({ code: 'record_invalid' }),
  )
  expect(() => codec.encode('NameAnswer', { ...answer, name: 5 as never })).toThrow(/name/)
})
