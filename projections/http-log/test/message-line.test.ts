import type { TrafficMessage } from '@syscribe/schemas'
import { TrafficMessageView } from '@syscribe/schemas'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyRecord } from '../../../schemas/test/avro-arbitrary.js'
import { LineBuffer } from '../src/line-buffer.js'
import { writeMessageLine } from '../src/message-line.js'
import { codec } from './log-input.js'
import { referenceLine } from './reference-line.js'
import { client, message, responseMessage, server, withBody } from './traffic.js'

function lineOf(value: TrafficMessage, rawPayload = true): string {
  const line = new LineBuffer(16)
  const view = new TrafficMessageView()
  view.read(codec.encode('TrafficMessage', value))
  writeMessageLine(line, view, rawPayload)
  return line.written.toString()
}

const parsed = (value: TrafficMessage): Record<string, unknown> => JSON.parse(lineOf(value))

test('a request has the fields of the first contract in their order, the added ones behind them', () => {
  expect(lineOf(message())).toBe(
    `${JSON.stringify({
      timestamp: '2024-04-08T18:24:10.123456789Z',
      pid: 1234,
      comm: 'traffic-generat',
      cmdline: '/bin/traffic-generator',
      direction: 'send',
      source_ip: '127.0.0.1',
      source_port: 54321,
      dest_ip: '127.0.0.2',
      dest_port: 8080,
      bytes: 96,
      method: 'POST',
      url: '/echo',
      body: '{"message":"hello"}',
      headers: { Host: '127.0.0.1:8080', 'Content-Type': 'application/json' },
      raw_payload:
        'POST /echo HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: application/json\r\n\r\n{"message":"hello"}',
      source_container: {
        service: 'productpage',
        image: 'myorg/productpage:1.0.0',
        container_id: 'abc123',
        container_name: 'productpage-1',
      },
      destination_container: {
        service: null,
        image: 'myorg/reviews:2.1.0',
        container_id: '789xyz',
        container_name: 'reviews-1',
      },
      destination_type: 'container',
      source_service: 'productpage',
      destination_service: 'reviews',
      connection_id: '00112233aabbccdd',
      id: '00112233aabbccdd-cq3-1712600650123456',
      exchange: 3,
      complete: true,
      http_version: '1.1',
    })}\n`,
  )
})

test('in a response the server is the source', () => {
  expect(parsed(message(responseMessage))).toMatchObject({
    direction: 'recv',
    source_ip: '127.0.0.2',
    source_port: 8080,
    dest_ip: '127.0.0.1',
    status_code: 200,
    method: 'POST',
    url: '/echo',
    body: 'ok',
    source_container: { container_name: 'reviews-1' },
    destination_container: { container_name: 'productpage-1' },
    source_service: 'reviews',
    destination_service: 'productpage',
    pid: 1234,
    comm: 'traffic-generat',
    id: '00112233aabbccdd-cr3-1712600650124456',
  })
})

test('the observed process of a server is the one that accepted', () => {
  const process = { ...client.process!, comm: 'node', cmdline: 'node reviews.js' }
  const value = { ...message({ role: 'server', direction: 'recv' }), server: { ...server, process } }
  expect(parsed(value)).toMatchObject({ comm: 'node', cmdline: 'node reviews.js', source_service: 'productpage' })
})

test('an external end has no container and says so', () => {
  const value = { ...message(), server: { ...server, type: 'external' as const, container: null, name: 'api.test' } }
  expect(parsed(value)).toMatchObject({
    destination_container: null,
    destination_type: 'external',
    destination_service: 'api.test',
  })
})

test('a container of a pod says which', () => {
  const pod = { namespace: 'shop', name: 'reviews-v1-545db77b95-jzdqf', workload: 'reviews-v1' }
  const value = { ...message(), server: { ...server, container: { ...server.container!, pod } } }
  expect(parsed(value).destination_container).toEqual({
    service: null,
    image: 'myorg/reviews:2.1.0',
    container_id: '789xyz',
    container_name: 'reviews-1',
    pod: 'reviews-v1-545db77b95-jzdqf',
    namespace: 'shop',
    workload: 'reviews-v1',
  })
})

test('an incomplete message says how much is missing and why; a complete one does not', () => {
  expect(parsed(message({ complete: false, missingBytes: 70_000, missingReason: 'capture_cap' }))).toMatchObject({
    complete: false,
    missing_bytes: 70_000,
    missing_reason: 'capture_cap',
  })
  expect(parsed(message())).not.toHaveProperty('missing_bytes')
})

test('the raw payload can be left out', () => {
  const line = JSON.parse(lineOf(message(), false))
  expect(line).not.toHaveProperty('raw_payload')
  expect(line).toHaveProperty('body', '{"message":"hello"}')
})

test('what is remembered of a connection is used only where it holds', () => {
  const other = { ...server, name: 'other', container: null, type: 'external' as const }
  const values = [
    message({ ordinal: 1 }),
    message({ ordinal: 2 }),
    message({ ordinal: 3 }),
    // The same connection, but the server has become known by another name; the process has; a port has.
    { ...message({ ordinal: 4 }), server: other },
    { ...message({ ordinal: 5 }), client: { ...client, process: null } },
    message({ ordinal: 6, sourcePort: 1 }),
    message({ ...responseMessage, ordinal: 7 }),
    message({ ordinal: 8, role: 'server', direction: 'recv' }),
    message({ ordinal: 9 }),
  ]
  // Twice, so that each has been remembered when it comes again.
  for (const value of [...values, ...values, ...values.toReversed()]) {
    expect(lineOf(value)).toBe(`${JSON.stringify(referenceLine(value, true))}\n`)
  }
})

test('repeated fields are one: first spelling, joined by commas, cookies by newlines', () => {
  const headers = [
    { name: 'Accept', value: 'a' },
    { name: 'set-cookie', value: 'x=1, 2' },
    { name: 'ACCEPT', value: 'b' },
    { name: 'Set-Cookie', value: 'y=2' },
    { name: 'Vary', value: '' },
  ]
  expect(parsed(message({ headers })).headers).toEqual({ Accept: 'a, b', 'set-cookie': 'x=1, 2\ny=2', Vary: '' })
})

test('names that JavaScript treats specially, and thousands of fields, stay as they are', () => {
  const headers = [
    { name: '__proto__', value: 'p' },
    { name: 'constructor', value: 'c' },
    ...Array.from({ length: 3000 }, (_, index) => ({ name: `x-${index % 1500}`, value: `${index}` })),
  ]
  const line = lineOf(message({ headers }))
  expect(line).toContain('"headers":{"__proto__":"p","constructor":"c","x-0":"0, 1500"')
  expect(Object.keys((JSON.parse(line) as { headers: object }).headers)).toHaveLength(1502)
})

test('a body is text in its charset, bytes when it is not valid there', () => {
  const cafe = Buffer.from('caf\xe9', 'latin1')
  expect(parsed(withBody(cafe, 'text/plain; charset=iso-8859-1'))).toMatchObject({
    body: 'café',
    raw_payload_base64: expect.any(String),
  })
  expect(parsed(withBody(cafe, 'text/plain'))).toMatchObject({ body_base64: cafe.toString('base64') })
  expect(parsed(withBody(cafe, 'text/plain;charset=us-ascii'))).toMatchObject({ body_base64: cafe.toString('base64') })
  expect(parsed(withBody(Buffer.from('€ und ß'), 'text/plain; charset="UTF-8"'))).toMatchObject({ body: '€ und ß' })
  expect(parsed(withBody(Buffer.from([0x80, 0x41]), 'a/b; Charset=windows-1252'))).toMatchObject({ body: '€A' })
  expect(parsed(withBody(Buffer.from('\ufeffhi', 'utf16le'), 'a/b; charset=utf-16'))).toMatchObject({ body: 'hi' })
  expect(parsed(withBody(Buffer.from([0xfe, 0xff, 0, 0x41]), 'a/b;charset=utf-16'))).toMatchObject({ body: 'A' })
  expect(parsed(withBody(Buffer.from([0, 0xd8]), 'a/b; charset=utf-16'))).toMatchObject({ body_base64: 'ANg=' })
  expect(parsed(withBody(Buffer.from('x'), 'a/b; charset=klingon'))).toMatchObject({ body_base64: 'eA==' })
  // A byte order mark of UTF-8 is a byte of the body.
  expect(parsed(withBody(Buffer.from('\ufeffx')))).toMatchObject({ body: '\ufeffx' })
})

test('a body still in its content coding is not read in the charset of the text it codes', () => {
  const value = withBody(Buffer.from([0x1f, 0x8b, 0xff]), 'text/plain; charset=iso-8859-1')
  value.message.bodyError = 'gzip: cut short'
  expect(parsed(value)).toMatchObject({ body_base64: 'H4v/', body_error: 'gzip: cut short' })
})

test('megabytes of body are written whole, escaped or as base64', () => {
  const text = 'a"\n\u0001ü'.repeat(300_000)
  expect(parsed(withBody(Buffer.from(text)))).toMatchObject({
    body: text,
    raw_payload: `HTTP/1.1 200 OK\r\n\r\n${text}`,
  })
  const bytes = Buffer.alloc(1_000_001, 0xee)
  expect(parsed(withBody(bytes)).body_base64).toBe(bytes.toString('base64'))
})

const latin = fc.string({
  unit: fc.constantFrom('a', 'B', '"', '\\', '\n', '\0', 'é', '€', '\u{1f600}', '\u2028'),
  maxLength: 12,
})
const typeValue = fc
  .constantFrom('utf-8', 'iso-8859-1', 'latin1', 'us-ascii', 'utf-16', 'windows-1252', 'shift_jis', 'nonsense')
  .map((charset) => `text/plain; charset=${charset}`)

const anyMessage = fc
  .tuple(
    anyRecord('TrafficMessage', { string: fc.oneof(latin, fc.string({ unit: 'binary', maxLength: 8 })) }),
    fc.option(typeValue),
    fc.array(fc.record({ name: fc.constantFrom('Set-Cookie', 'set-cookie', 'A', 'a', 'é', '9', '1'), value: latin }), {
      maxLength: 8,
    }),
    fc.option(fc.string({ maxLength: 60 })),
  )
  .map(([value, type, more, text]) => {
    const { headers } = value.message
    headers.push(...more)
    if (type !== null) headers.push({ name: 'Content-TYPE', value: type })
    if (text !== null) value.message.raw = Buffer.from(text)
    return value
  })

test('whatever a record holds, its line is JSON and says what the plain way says', () => {
  fc.assert(
    fc.property(anyMessage, fc.boolean(), (value, rawPayload) => {
      const line = lineOf(value, rawPayload)
      expect(line.indexOf('\n')).toBe(line.length - 1)
      // An object of the plain way puts names like "9" first: compared as values, then byte for byte without them.
      expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(referenceLine(value, rawPayload))))
      const names = [...value.message.headers, ...value.message.trailers].map((header) => header.name)
      if (!names.some((name) => /^\d+$/.test(name) || name === '__proto__')) {
        expect(line).toBe(`${JSON.stringify(referenceLine(value, rawPayload))}\n`)
      }
    }),
    { numRuns: 600, interruptAfterTimeLimit: 20_000 },
  )
})

test('invalid UTF-8 in a record written elsewhere becomes U+FFFD, never an invalid line', () => {
  fc.assert(
    fc.property(anyMessage, fc.infiniteStream(fc.nat(255)), (value, noise) => {
      const bytes = codec.encode('TrafficMessage', value)
      const view = new TrafficMessageView()
      view.read(bytes)
      const places: [number, number][] = [
        [view.client.nameStart, view.client.nameEnd],
        [view.sourceAddressStart, view.sourceAddressEnd],
        [view.urlStart, view.urlEnd],
        [view.bodyStart, view.bodyEnd],
      ]
      for (let field = 0; field < view.headerCount * 4; field += 2) {
        places.push([view.headers[field] as number, view.headers[field + 1] as number])
      }
      for (const [start, end] of places) {
        for (let at = start; at >= 0 && at < end; at++) bytes[at] = noise.next().value as number
      }
      const line = new LineBuffer(16)
      writeMessageLine(line, view, true)
      expect(Buffer.from(line.written.toString()).equals(line.written)).toBe(true)
      JSON.parse(line.written.toString())
    }),
    { numRuns: 300, interruptAfterTimeLimit: 20_000 },
  )
})
