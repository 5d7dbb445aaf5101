import type { InputRecord, KeyedState, Output } from '@syscribe/runtime'
import { type Party, recordEncoder, TopicCodec, type TopicKind, type TopicName } from '@syscribe/schemas'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyRecord } from '../../../schemas/test/avro-arbitrary.js'
import type { EnricherEntry } from '../src/enricher-state.js'
import { containerEnricher } from '../src/index.js'
import { OwnEncoding } from '../src/own-encoding.js'
import { PartyBytes } from '../src/party-bytes.js'
import { TrafficSplice, trafficBranch } from '../src/traffic-splice.js'
import { request } from './observed.js'

/** Takes what is emitted, into a buffer that is too small at first. */
function collect(): { out: Output; bytes: Buffer[] } {
  const bytes: Buffer[] = []
  const out: Output = {
    emit: () => expect.unreachable(),
    emitEncoded(_topic, _key, _timestamp, sizeHint, write) {
      const lacking = write(Buffer.alloc(sizeHint - 1), 0)
      expect(lacking).toBe(-1)
      const buffer = Buffer.alloc(sizeHint + 7)
      expect(write(buffer, 7)).toBe(buffer.length)
      bytes.push(buffer.subarray(7))
    },
  }
  return { out, bytes }
}

const kinds = [
  { topic: 'http', kind: 'HttpMessage', branch: trafficBranch.message, field: 'message' },
  { topic: 'connections', kind: 'Connection', branch: trafficBranch.connection, field: 'connection' },
  { topic: 'connections', kind: 'ConnectionEnd', branch: trafficBranch.end, field: 'end' },
] as const

test.each(kinds)('what is spliced for $kind is what the codec would write', ({ topic, kind, branch, field }) => {
  const traffic = new TopicCodec('traffic')
  const input = new TopicCodec(topic)
  const parties = new PartyBytes()
  fc.assert(
    fc.property(anyRecord(kind), anyRecord('Party'), anyRecord('Party'), (value, client, server) => {
      const { out, bytes } = collect()
      const record = input.encode(kind as never, value as never)
      new TrafficSplice().emit(out, Buffer.alloc(0), 0, branch, parties.of(client, server), record, 1)
      const written = { client, server, [field]: value }
      const spliced = traffic.decode(bytes[0] as Buffer)
      expect(spliced.value).toEqual(written)
      expect(bytes[0]).toEqual(traffic.encode(spliced.kind as never, written as never))
    }),
    { numRuns: 50 },
  )
})

test('parties that differ in anything are not taken for each other', () => {
  const parties = new PartyBytes()
  const encode = recordEncoder('Party')
  const process = {
    key: { host: 'h', boot: Buffer.alloc(16), pid: 1, processStart: 2 },
    comm: 'c',
    cmdline: 'l',
    profile: 'p',
    profileName: null,
  }
  const party: Party = { name: 'n', type: 'external', container: null, process, reason: 'r' }
  const container = { service: null, image: 'i', id: 'd', name: 'n', pod: null }
  const others: Party[] = [
    { ...party, name: 'x' },
    { ...party, reason: 'x' },
    { ...party, process: null },
    { ...party, type: 'container', container },
    { ...party, type: 'container', container: { ...container, pod: { namespace: 'a', name: 'b', workload: 'c' } } },
    { ...party, process: { ...process, key: { ...process.key, pid: 9 } } },
    { ...party, process: { ...process, key: { ...process.key, boot: Buffer.alloc(16, 1) } } },
    { ...party, process: { ...process, profileName: '' } },
  ]
  expect(parties.of(party, party)).toBe(parties.of({ ...party }, party))
  for (const other of others) {
    expect(parties.of(party, other)).toEqual(Buffer.concat([encode(party), encode(other)]))
    expect(parties.of(other, party)).toEqual(Buffer.concat([encode(other), encode(party)]))
  }
})

const value = request(10, 'client', { client: 1, server: 2, peer: true }, 'a').value as never
const own = new TopicCodec('http')

/** The topic as a version wrote it whose messages had their fields in another order, and one more. */
function olderCodec(): { codec: TopicCodec<'http'>; bytes: Buffer } {
  const schema = structuredClone(own.schema) as unknown as { fields: { name: string; type: unknown }[] }[]
  const message = schema[0]
  if (message === undefined) throw new Error('no schema')
  // A field of a plain type, so that no definition moves behind its use.
  const index = message.fields.findIndex((field) => field.name === 'length')
  message.fields.unshift(...message.fields.splice(index, 1), { name: 'dropped', type: 'string' })
  const codec = new TopicCodec('http', schema as never)
  const ownBytes = own.encode('HttpMessage', value)
  const length = 10
  const rest = Buffer.concat([Buffer.from([0, length << 1, 2, 0x78]), ownBytes.subarray(1)])
  const at = rest.length - (ownBytes.length - lengthAt(ownBytes))
  return { codec, bytes: Buffer.concat([rest.subarray(0, at), rest.subarray(at + 1)]) }
}

/** Where the field `length` lies, one byte here: two encodings that differ in it only tell. */
function lengthAt(bytes: Buffer): number {
  const other = own.encode('HttpMessage', { ...(value as object), length: 11 } as never)
  return bytes.findIndex((byte, index) => byte !== other[index])
}

test('a message that another version wrote is encoded anew', () => {
  const { codec, bytes } = olderCodec()
  expect(codec.decode(bytes).value).toEqual(value)
  const input = { topic: 'http', partition: 0, offset: 0, timestamp: 0, key: null } as const
  const encoding = new OwnEncoding('http')
  const older = encoding.of({ ...input, value: bytes, codec: codec as unknown as TopicCodec<TopicName> }, 'HttpMessage')
  expect(older).toEqual(own.encode('HttpMessage', value))
  const current = own.encode('HttpMessage', value)
  expect(encoding.of({ ...input, value: current, codec: own as unknown as TopicCodec<TopicName> }, 'HttpMessage')).toBe(
    current,
  )
})

test('a record that cannot be read leaves what is held untouched', () => {
  const instance = containerEnricher.create()
  const state = new Map<string, EnricherEntry>() as unknown as KeyedState<EnricherEntry>
  Object.assign(state, { update: (key: string) => state.get(key) })
  const { out, bytes } = collect()
  const step = (timestamp: number, record: Buffer): void =>
    instance.step(
      {
        topic: 'http',
        partition: 0,
        offset: 0,
        timestamp,
        key: null,
        value: record,
        codec: own as never,
      } as InputRecord,
      state,
      out,
    )
  const kind: TopicKind<'http'> = 'HttpMessage'
  step(10, own.encode(kind, request(10, 'client', { client: 1 }, 'api').value as never))
  const cut = own.encode(kind, request(9000, 'client', { client: 1, id: 2 }, 'api').value as never).subarray(0, 30)
  expect(() => step(9000, cut)).toThrow()
  expect(bytes).toHaveLength(0)
  expect(state.size).toBe(1)
  instance.watermark?.(9000, false, state, out)
  expect(bytes).toHaveLength(1)
})

test('the connection is the first field of every record of both streams', () => {
  for (const { topic, kind } of kinds) {
    const schema = new TopicCodec(topic).schema as unknown as {
      name: string
      fields: { name: string; type: { size: number } }[]
    }[]
    const first = schema.find((one) => one.name === kind)?.fields[0]
    expect([first?.name, first?.type.size ?? 8]).toEqual(['connection', 8])
  }
})
