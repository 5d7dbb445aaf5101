import { expect, test } from 'vitest'
import { endpointsOf, onlyService } from './map-of.js'
import { connected, ended, exchange, request, response, service } from './traffic.js'

const second = 1_000_000

test('completeness is captured by passed bytes, of entries and of their service', async () => {
  const change = { length: 1000, complete: false, missingBytes: 500, missingReason: 'lost' as const }
  const found = await onlyService(
    request({ change: { length: 1000 } }),
    response({ change }),
    exchange({ connection: 2, url: '/whole' }),
  )
  expect(found.endpoints.map(({ completeness }) => completeness)).toEqual([0.75, 1])
  expect(found.completeness).toBe(Math.floor((1516 / 2016) * 1e6) / 1e6)
})

test('what a closed connection announced and never sent has not passed', async () => {
  const change = { length: 1000, complete: false, missingBytes: 900, missingReason: 'connection_closed' as const }
  expect((await endpointsOf(request(), response({ change })))[0]?.completeness).toBe(1)
})

test('messages lost whole show in the completeness of their service', async () => {
  const [asked, answered] = exchange()
  // 8 bytes each were seen as messages, 1000 more passed and nobody saw them.
  const end = ended({ after: second, change: { sent: 508, received: 508, captured: 16 } })
  const found = await onlyService(asked as never, answered as never, end)
  expect(found.completeness).toBe(Math.floor((16 / 1016) * 1e6) / 1e6)
  expect(found.endpoints[0]?.completeness).toBe(1)
  // Seen by nobody at all: the service is known to call, and that nothing is known of it.
  const blind = await onlyService(ended({ change: { sent: 500, received: 0, captured: 0 } }))
  expect([blind.endpoints, blind.completeness]).toEqual([[], 0])
})

test('a connection whose watching ended and began again is one, with the bytes of both times', async () => {
  const end = (after: number, sent: number) =>
    ended({
      to: service('db'),
      connection: 100,
      after,
      change: { protocol: 'postgres', serverPort: 5432, sent, captured: 50 },
    })
  const found = await onlyService(
    connected(),
    end(second, 100),
    end(2 * second, 100),
    connected({ connection: 101, after: 60 * second }),
  )
  expect(found.connections).toMatchObject([{ count: 2, completeness: 0.5 }])
  expect(found.completeness).toBe(0.5)
})

test('a rest of a millionth is no 1', async () => {
  const change = { length: 1e9, complete: false, missingBytes: 1, missingReason: 'lost' as const }
  expect((await endpointsOf(request(), response({ change })))[0]?.completeness).toBe(0.999999)
})
