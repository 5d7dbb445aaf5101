import { outputOf, type TestRecord } from '@syscribe/runtime/testing'
import type { PartialRecord } from '@syscribe/schemas'
import { expect, test } from 'vitest'
import projection from '../src/index.js'

const connection = Buffer.from('0123456789abcdef', 'hex')

/** Request `exchange` of the connection, and its answer after some milliseconds. */
function call(exchange: number, url: string, ms: number, status = 200): TestRecord[] {
  const seen = { connection, role: 'client', exchange, method: 'GET', url } as const
  const record = (message: PartialRecord<'HttpMessage'>): TestRecord => {
    return { topic: 'traffic', kind: 'TrafficMessage', value: { server: { name: 'shop' }, message } }
  }
  const sent = exchange * 1_000_000
  return [
    record({ ...seen, kind: 'request', time: sent }),
    record({ ...seen, kind: 'response', time: sent + ms * 1000, status }),
  ]
}

test('the slowest endpoint comes first, with its calls and how long they took', async () => {
  const csv = await outputOf(projection, [
    ...call(0, '/cart?item=1', 20),
    ...call(1, '/pay', 250.5),
    ...call(2, '/cart?item=2', 40, 404),
  ])
  expect(csv).toBe(`service,method,path,calls,mean_ms,slowest_ms
"shop","GET","/pay",1,250.500,250.500
"shop","GET","/cart",2,30.000,40.000
`)
})

test('what the server saw, an announcement, or no answer at all counts for nothing', async () => {
  const [request, answer] = call(0, '/pay', 30) as [TestRecord, TestRecord]
  const end: TestRecord = {
    topic: 'traffic',
    kind: 'TrafficConnectionEnd',
    value: { end: { connection, role: 'client' } },
  }
  const [, early] = call(0, '/pay', 10, 100) as [TestRecord, TestRecord]
  const csv = await outputOf(projection, [request, early, end, answer])
  expect(csv).toBe('service,method,path,calls,mean_ms,slowest_ms\n')
})
