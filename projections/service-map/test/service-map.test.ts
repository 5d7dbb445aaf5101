import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { mapStateFormat } from '../src/map-state.js'
import { clocked, connectionsOf, endpointsOf, mapOf, onlyService, textOf } from './map-of.js'
import { TestState } from './test-state.js'
import { connected, ended, exchange, request, response, service } from './traffic.js'

const json = 'application/json'
const second = 1_000_000

test("the seed's example comes out as the seed shows it", async () => {
  const productpage = service('productpage', 'docker.io/istio/examples-bookinfo-productpage-v1:1.20.1')
  const reviews = service('reviews', 'reviews:1')
  const body = JSON.stringify({
    id: '0',
    podname: 'p',
    clustername: 'c',
    reviews: [
      { reviewer: 'r1', text: 'fine' },
      { text: 'bad', reviewer: 'r2' },
    ],
  })
  const records = [
    connected({ from: productpage, to: service('postgres', 'pg:15') }),
    ...exchange({ from: productpage, to: reviews, url: '/reviews/0?u=1', answer: { type: json, body } }),
    ...exchange({
      from: productpage,
      to: reviews,
      exchange: 1,
      url: '/reviews/0',
      after: 350 * second,
      answer: { type: json, body },
    }),
  ]
  expect(await mapOf(records)).toEqual({
    generated_at: '2024-04-08T18:30:00.000000000Z',
    services: [
      {
        name: 'productpage',
        image: 'docker.io/istio/examples-bookinfo-productpage-v1:1.20.1',
        endpoints: [
          {
            destination: 'reviews',
            destination_type: 'container',
            method: 'GET',
            path: '/reviews/0',
            request_schema: null,
            response_schema: {
              clustername: 'string',
              id: 'string',
              podname: 'string',
              reviews: [{ reviewer: 'string', text: 'string' }],
            },
            first_seen: '2024-04-08T18:24:10.000000000Z',
            last_seen: '2024-04-08T18:30:00.000000000Z',
            count: 2,
            completeness: 1,
          },
        ],
        connections: [
          {
            destination: 'postgres',
            destination_type: 'container',
            protocol: 'postgres',
            category: 'database',
            port: 5432,
            confidence: 90,
            reason: 'port 5432, valid Postgres startup/SSLRequest header',
            first_seen: '2024-04-08T18:24:10.000000000Z',
            last_seen: '2024-04-08T18:24:10.000000000Z',
            count: 1,
            completeness: 1,
          },
        ],
        first_seen: '2024-04-08T18:24:10.000000000Z',
        last_seen: '2024-04-08T18:30:00.000000000Z',
        completeness: 1,
      },
    ],
  })
  const [text, endpoint] = [await textOf(records), (await endpointsOf(records))[0]]
  expect(Object.keys(endpoint as object).slice(0, 9)).toEqual(
    'destination destination_type method path request_schema response_schema first_seen last_seen count'.split(' '),
  )
  // As any indented JSON: the schemas inside the entries too.
  expect(text).toBe(`${JSON.stringify(JSON.parse(text), null, 2)}\n`)
})

test('an exchange seen at both ends counts once; what only its server saw is not a call of the server', async () => {
  const atServer = { role: 'server' as const, direction: 'recv' as const }
  const seen = [
    request(),
    request({ change: atServer }),
    response({ change: { role: 'server', direction: 'send' } }),
    response(),
  ]
  expect(await endpointsOf(seen)).toMatchObject([{ count: 1 }])
  expect((await mapOf(request({ change: atServer }))).services).toEqual([])
})

test('where the role is not known, the one that sends requests and receives responses is the client', async () => {
  const asClient = { role: 'unknown' as const }
  expect(await endpointsOf(request({ change: asClient }), response({ change: asClient }))).toMatchObject([{ count: 1 }])
  const atServer = { role: 'unknown' as const, direction: 'recv' as const }
  expect((await mapOf(request({ change: atServer }))).services).toEqual([])
})

test('responses find their requests on pipelined and on concurrent connections', async () => {
  const answer = (connection: number, number: number, body: string) =>
    response({ connection, exchange: number, url: `/${connection}${number}`, type: json, body })
  const endpoints = await endpointsOf(
    request({ connection: 1, exchange: 0, url: '/10' }),
    request({ connection: 1, exchange: 1, url: '/11' }),
    request({ connection: 2, exchange: 0, url: '/20' }),
    answer(2, 0, '{"c":1}'),
    answer(1, 0, '{"a":1}'),
    answer(1, 1, '{"b":1}'),
  )
  expect(endpoints.map(({ path, response_schema, count }) => [path, response_schema, count])).toEqual([
    ['/10', { a: 'number' }, 1],
    ['/11', { b: 'number' }, 1],
    ['/20', { c: 'number' }, 1],
  ])
})

test('a response that is whole before its request is its answer', async () => {
  const [early, late] = [response({ status: 413, after: 0 }), request({ after: 500, type: json, body: '{"big":1}' })]
  expect(await endpointsOf(early, late)).toMatchObject([
    { count: 1, request_schema: { big: 'number' }, response_schema: null },
  ])
})

test('1xx is not the answer, 101 is', async () => {
  const going = [request({ method: 'POST' }), response({ status: 100 }), response({ status: 103 })]
  expect(await endpointsOf(going)).toMatchObject([{ count: 1, unanswered: 1 }])
  expect(await endpointsOf(going, response({ status: 200, type: json, body: '[]' }))).toMatchObject([
    { count: 1, response_schema: [] },
  ])
  const [upgraded] = await endpointsOf(request(), response({ status: 101 }))
  expect(upgraded).toMatchObject({ count: 1, response_schema: null })
  expect(upgraded).not.toHaveProperty('unanswered')
})

test('a request that is never answered is counted so: at the end of its connection, or of everything', async () => {
  const later = exchange({ connection: 2, after: 20 * second, url: '/later' })
  expect(await endpointsOf(request({ type: json, body: '{"q":1}' }))).toMatchObject([
    { request_schema: { q: 'number' }, response_schema: null, count: 1, unanswered: 1 },
  ])
  expect(await endpointsOf(request(), ended({ after: second }), later)).toMatchObject([
    { path: '/', count: 1, unanswered: 1 },
    { path: '/later', count: 1 },
  ])
})

test('a message given up at the end of its connection may come behind it', async () => {
  const late = response({ after: 1000, change: { complete: false, missingReason: 'connection_closed' } })
  const [endpoint] = await endpointsOf(request(), ended({ after: 1000 }), late)
  expect(endpoint).toMatchObject({ count: 1 })
  expect(endpoint).not.toHaveProperty('unanswered')
})

test('a connection of which nothing is heard for seven hours is given up', async () => {
  const records = [request(), ...exchange({ connection: 2, after: 25_300 * second, url: '/later' })]
  // An answer behind that is counted by itself.
  expect(await endpointsOf(records, response({ after: 25_301 * second }))).toMatchObject([
    { path: '/', count: 2, unanswered: 1 },
    { path: '/later', count: 1 },
  ])
})

test('a stop in between changes nothing: a request waits over it', async () => {
  const records = [
    request(),
    ...exchange({ exchange: 1, url: '/b' }),
    response(),
    connected(),
    ended({ after: 9 * second }),
  ]
  const whole = await textOf(records)
  for (let stop = 0; stop < records.length; stop++) expect(await textOf(records, [stop])).toBe(whole)
})

test('an exchange count that began anew gives up what still waited under the same number', async () => {
  expect(await endpointsOf(request({ url: '/old' }), exchange({ url: '/new', after: second }))).toMatchObject([
    { path: '/new', count: 1 },
    { path: '/old', count: 1, unanswered: 1 },
  ])
})

test('a response without its request is counted where its request line is known, said where not', async () => {
  const known = [response({ url: '/x', type: json, body: '{"a":1}' }), ended({ after: second })]
  expect(await endpointsOf(known)).toMatchObject([
    { path: '/x', count: 1, request_schema: null, response_schema: { a: 'number' }, schema_partial: true },
  ])
  const { endpoints, unattributed } = await onlyService(response({ method: null, url: null }))
  expect([endpoints, unattributed]).toEqual([[], 1])
})

test('connections count once, whoever shares them, and keep the most certain word on their protocol', async () => {
  const guess = { confidence: 60, reason: 'port 5432 only' }
  const found = await connectionsOf(
    connected({ change: guess }),
    connected({ after: 5, change: { process: { host: 'h', boot: Buffer.alloc(16), pid: 77, processStart: 1 } } }),
    connected({ connection: 101, after: second, change: guess }),
    ended({
      to: service('db'),
      connection: 101,
      after: 60 * second,
      change: { protocol: 'postgres', serverPort: 5432, sent: 300, received: 100, captured: 300 },
    }),
    connected({ connection: 102, change: { role: 'server' } }),
    connected({ connection: 103, change: { protocol: null, category: null } }),
    connected({ connection: 104, change: { protocol: 'dns', category: 'other' } }),
  )
  expect(found).toEqual([
    expect.objectContaining({
      destination: 'db',
      destination_type: 'external',
      count: 2,
      confidence: 90,
      reason: 'port 5432, valid Postgres startup/SSLRequest header',
      first_seen: '2024-04-08T18:24:10.000000000Z',
      last_seen: '2024-04-08T18:25:10.000000000Z',
      completeness: 0.75,
    }),
  ])
})

test('services, endpoints and connections are sorted, whatever came first', async () => {
  const [z, a] = [service('z'), service('a')]
  const found = await mapOf(
    connected({ from: z, to: service('y'), connection: 5 }),
    connected({ from: z, to: service('b'), connection: 6, change: { serverPort: 2 } }),
    connected({ from: z, to: service('b'), connection: 7, change: { serverPort: 1 } }),
    exchange({ from: z, to: service('y'), connection: 8, url: '/1' }),
    exchange({ from: z, to: service('c'), connection: 9, url: '/2' }),
    exchange({ from: a, connection: 10, method: 'PUT' }),
    exchange({ from: a, connection: 11, method: 'GET' }),
  )
  expect(found.services.map(({ name }) => name)).toEqual(['a', 'z'])
  expect(found.services[0]?.endpoints.map(({ method }) => method)).toEqual(['GET', 'PUT'])
  expect(found.services[1]?.endpoints.map(({ destination }) => destination)).toEqual(['c', 'y'])
  expect(found.services[1]?.connections.map(({ destination, port }) => `${destination}${port}`)).toEqual([
    'b1',
    'b2',
    'y5432',
  ])
})

test('a service that calls nothing is not there; one that only has connections is', async () => {
  expect(await mapOf()).toEqual({ generated_at: '2024-04-08T18:30:00.000000000Z', services: [] })
  expect(await onlyService(connected())).toMatchObject({ name: 'a', endpoints: [], connections: [{ count: 1 }] })
})

test('the image is the one last seen, and absent where none was', async () => {
  expect(await onlyService(exchange())).not.toHaveProperty('image')
  const found = await onlyService(
    exchange({ from: service('a', 'img:1') }),
    exchange({ from: service('a', 'img:2'), exchange: 1, after: second }),
    exchange({ exchange: 2, after: 2 * second }),
  )
  expect(found.image).toBe('img:2')
})

test('a record that cannot be read is refused and changes nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'service-map-'))
  const path = join(folder, 'map.json')
  const state = new TestState(mapStateFormat)
  const map = await clocked.open(path, null, { rawPayload: true })
  for (const record of exchange()) map.apply(record, state)
  const damaged = request({ connection: 2 })
  expect(() => map.apply({ ...damaged, value: damaged.value.subarray(0, 90) }, state)).toThrow(
    expect.objectContaining({ code: 'record_invalid' }),
  )
  await map.flush(state, true)
  await map.close()
  expect(readFileSync(path, 'utf8')).toBe(await textOf(exchange()))
  rmSync(folder, { recursive: true })
})

test('a change is in the file within two seconds of flushes, without a write for each', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'service-map-'))
  const path = join(folder, 'map.json')
  const state = new TestState(mapStateFormat)
  const map = await clocked.open(path, null, { rawPayload: true })
  const count = () => JSON.parse(readFileSync(path, 'utf8')).services[0]?.endpoints[0]?.count ?? 0
  await map.flush(state, false)
  expect(count()).toBe(0)
  const writes = new Set<number>()
  const started = performance.now()
  for (let number = 0; number < 40; number++) {
    for (const record of exchange({ exchange: number })) map.apply(record, state)
    await map.flush(state, false)
    writes.add(statSync(path).ino)
  }
  expect(writes.size).toBeLessThan(10)
  while (count() < 40) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    await map.flush(state, false)
    expect(performance.now() - started).toBeLessThan(2000)
  }
  await map.close()
  rmSync(folder, { recursive: true })
})
