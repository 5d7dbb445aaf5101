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

test('other schemas make other entries; the order of keys and elements does not', async () => {
  const bodies = ['{"a":1,"b":"x"}', '{"b":"y","a":2}', '{"a":null}', '[1,"x"]', '["x",2,3]', 'plain', '']
  const endpoints = await endpointsOf(
    bodies.flatMap((body, index) => exchange({ exchange: index, answer: { type: json, body } })),
  )
  expect(endpoints.map(({ response_schema, count }) => [response_schema, count])).toEqual([
    ['non-json', 1],
    [['number', 'string'], 2],
    [null, 1],
    [{ a: 'null' }, 1],
    [{ a: 'number', b: 'string' }, 2],
  ])
})

test('JSON is what says so or begins so, and is valid', async () => {
  const schemaOf = async (body: string, type?: string) =>
    (await endpointsOf(request(), response({ body, ...(type === undefined ? {} : { type }) })))[0]?.response_schema
  expect(await schemaOf('{"a":[true]}')).toEqual({ a: ['boolean'] })
  expect(await schemaOf(' [1]', 'text/html')).toEqual(['number'])
  expect(await schemaOf('1', 'application/problem+json; charset=utf-8')).toBe('number')
  expect(await schemaOf('null', 'application/json')).toBe('null')
  expect(await schemaOf('1', 'text/plain')).toBe('non-json')
  expect(await schemaOf('{"a":', json)).toBe('non-json')
  expect(await schemaOf('{"a":1}{"a":2}', 'application/x-ndjson')).toBe('non-json')
})

const cut = { complete: false, missingBytes: 1000, missingReason: 'capture_cap' as const }

test('a body that was not captured whole makes no variant beside a known one', async () => {
  const part = (number: number) =>
    exchange({ exchange: number, answer: { type: json, body: '{"a":1,"b":"cu', change: cut } })
  const whole = (number: number) => exchange({ exchange: number, answer: { type: json, body: '{"a":1,"b":"cut"}' } })
  const [endpoint, more] = await endpointsOf(whole(0), part(1), part(2))
  expect([endpoint?.response_schema, endpoint?.count, more]).toEqual([{ a: 'number', b: 'string' }, 3, undefined])
  expect(endpoint?.completeness).toBeLessThan(1)
  // Before any whole one is known, only what is certain is said, and that it is not all.
  expect(await endpointsOf(part(0), part(1))).toMatchObject([{ response_schema: {}, count: 2, schema_partial: true }])
})

test('a body that is not known joins only a variant that agrees in the other one', async () => {
  const [other, asked] = [
    { type: json, body: '{"p":1}' },
    { type: json, body: '{"q":1}' },
  ]
  const found = await endpointsOf(
    exchange({ ...other, answer: { type: json, body: '{"a":1}' } }),
    exchange({ exchange: 1, ...other, answer: { type: json, body: '{"a":1}' } }),
    exchange({ exchange: 2, ...asked, answer: { type: json, body: '{"b":1}' } }),
    exchange({ exchange: 3, ...asked, answer: { type: json, body: '{"b":1,', change: cut } }),
  )
  expect(found.map(({ request_schema, response_schema, count }) => [request_schema, response_schema, count])).toEqual([
    [{ p: 'number' }, { a: 'number' }, 2],
    [{ q: 'number' }, { b: 'number' }, 2],
  ])
})

test('a body beyond a mebibyte, or whose schema would be endless, is outlined', async () => {
  const large = `[${'1,'.repeat(600_000)}1]`
  const keyed = JSON.stringify(Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`user-${index}`, 1])))
  expect(
    await endpointsOf(
      exchange({ answer: { type: json, body: large } }),
      exchange({ exchange: 1, url: '/k', answer: { type: json, body: keyed } }),
    ),
  ).toMatchObject([
    { path: '/', response_schema: [], schema_partial: true, completeness: 1 },
    { path: '/k', response_schema: {}, schema_partial: true, completeness: 1 },
  ])
})

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

test('a gap that stands for a lost answer is an answer of unknown content', async () => {
  const gap = { status: null, complete: false, missingBytes: 8, missingReason: 'lost' as const }
  const whole = exchange({ exchange: 1, answer: { type: json, body: '{"a":1}' } })
  expect(await endpointsOf(whole, request(), response({ change: gap }))).toMatchObject([
    { response_schema: { a: 'number' }, count: 2 },
  ])
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
