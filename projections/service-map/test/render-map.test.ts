import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Endpoint, renderMap, type ServiceConnection, type ServiceMap } from '../src/index.js'
import { columns } from '../src/terminal-text.js'

const seen = { first_seen: 't', last_seen: 't', completeness: 1 }
const endpoint = (destination: string, method: string, path: string, count: number, unanswered = 0): Endpoint => ({
  destination,
  destination_type: 'external',
  method,
  path,
  request_schema: null,
  response_schema: null,
  count,
  ...(unanswered > 0 ? { unanswered } : {}),
  ...seen,
})
const connection = (
  destination: string,
  port: number,
  protocol: string,
  category: string,
  count = 1,
): ServiceConnection => ({
  destination,
  destination_type: 'external',
  protocol,
  category,
  port,
  confidence: 90,
  reason: 'r',
  count,
  ...seen,
})
const map = (
  ...services: Pick<ServiceMap['services'][number], 'name' | 'endpoints' | 'connections'>[]
): ServiceMap => ({
  generated_at: 'now',
  services: services.map((service) => ({ ...service, ...seen })),
})

test('the demo looks like this', () => {
  const demo = map(
    { name: 'request-logger', endpoints: [], connections: [connection('nats', 4222, 'nats', 'message_bus')] },
    {
      name: 'traffic-generator',
      endpoints: [
        endpoint('http-service', 'GET', '/', 10),
        endpoint('http-service', 'POST', '/echo', 7),
        endpoint('http-service', 'POST', '/echo', 5, 2),
        endpoint('http-service', 'GET', '/healthz', 1),
      ],
      connections: [connection('postgres', 5432, 'postgres', 'database', 2)],
    },
  )
  expect(renderMap(demo)).toBe(`┌────────────────┐
│ request-logger │
└─┬──────────────┘
  └──▶ nats:4222  nats (message_bus), 1 connection

┌───────────────────┐
│ traffic-generator │
└─┬─────────────────┘
  ├──▶ http-service   HTTP, 3 endpoints, 23 calls
  │      GET  /         10×
  │      POST /echo     12× (2 unanswered)
  │      GET  /healthz  1×
  └──▶ postgres:5432  postgres (database), 2 connections
`)
})

test('of many paths the most called are shown, in their order, the rest counted', () => {
  const many = Array.from({ length: 40 }, (_, index) =>
    endpoint('b', 'GET', `/${String(index).padStart(2, '0')}`, index),
  )
  const text = renderMap(map({ name: 'a', endpoints: many, connections: [] }), { paths: 3 })
  expect(text.match(/\/\d\d/g)).toEqual(['/37', '/38', '/39'])
  expect(text).toContain('… and 37 more')
})

test('nothing seen is said', () => {
  expect(renderMap(map())).toBe('No service was seen calling another.\n')
})

test('what is not whole says how much was captured', () => {
  const part = map({ name: 'a', endpoints: [], connections: [] })
  for (const service of part.services) service.completeness = 0.9876
  expect(renderMap(part)).toContain('a  98.7 % captured')
})

test('no line is wider than the terminal, and nothing that a terminal obeys is printed', () => {
  const name = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom('\u001b[2J', '日本語のサービス', 'a\nb', '\u202eevil', '🚀'.repeat(20), 'x'.repeat(300)),
  )
  const anyMap = fc
    .array(
      fc.record({
        name,
        endpoints: fc.array(fc.tuple(name, name, name, fc.nat(), fc.nat(2)).map((given) => endpoint(...given))),
        connections: fc.array(fc.tuple(name, fc.nat(65535), name, name).map((given) => connection(...given))),
      }),
      { maxLength: 3 },
    )
    .map((services) => map(...services))
  fc.assert(
    fc.property(anyMap, fc.integer({ min: 20, max: 120 }), (any, width) => {
      for (const line of renderMap(any, { width }).split('\n')) {
        expect(columns(line)).toBeLessThanOrEqual(width)
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u)
      }
    }),
    { numRuns: 60, interruptAfterTimeLimit: 20_000 },
  )
})
