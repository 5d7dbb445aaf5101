import { expect, test } from 'vitest'
import { blankRecord, TopicCodec, topicNames, topics } from '../src/index.js'

test.each(topicNames.flatMap((topic) => topics[topic].records.map((kind) => [topic, kind] as const)))(
  '%s: an empty %s can be written and read',
  (topic, kind) => {
    const codec = new TopicCodec(topic) as unknown as TopicCodec<'names'>
    const record = blankRecord(kind as 'NameAnswer')
    expect(codec.decode(codec.encode(kind as 'NameAnswer', record))).toEqual({ kind, value: record })
  },
)

test('what is given stands in the record, also in the records it holds', () => {
  const given = { server: { name: 'reviews' }, message: { status: 200, method: 'GET', headers: [], peer: { pid: 7 } } }
  const { client, server, message } = blankRecord('TrafficMessage', given)
  expect(server).toEqual({ name: 'reviews', type: 'container', container: null, process: null, reason: '' })
  expect(client.name).toBe('')
  expect(message).toMatchObject({ status: 200, method: 'GET', role: 'unknown', raw: Buffer.alloc(0) })
  expect(message.peer).toEqual({ host: '', boot: Buffer.alloc(16), pid: 7, processStart: 0 })
})

test('a field that the kind does not have is named', () => {
  expect(() => blankRecord('TrafficMessage', { message: { state: 200 } as never })).toThrow(
    expect.objectContaining({ code: 'record_invalid', message: 'TrafficMessage.message has no field state' }),
  )
})
