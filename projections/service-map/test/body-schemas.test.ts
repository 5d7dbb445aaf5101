import { expect, test } from 'vitest'
import { endpointsOf } from './map-of.js'
import { exchange, request, response } from './traffic.js'

const json = 'application/json'

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

test('a gap that stands for a lost answer is an answer of unknown content', async () => {
  const gap = { status: null, complete: false, missingBytes: 8, missingReason: 'lost' as const }
  const whole = exchange({ exchange: 1, answer: { type: json, body: '{"a":1}' } })
  expect(await endpointsOf(whole, request(), response({ change: gap }))).toMatchObject([
    { response_schema: { a: 'number' }, count: 2 },
  ])
})
