import type { InputRecord, KeyedState, Output } from '@syscribe/runtime'
import { type SocketIo, TopicCodec } from '@syscribe/schemas'
import type { Direction } from '../src/direction.js'
import { type Connection, Endpoint } from '../src/endpoint.js'
import type { Head } from '../src/head.js'
import { httpParser } from '../src/index.js'
import type { MessageSink } from '../src/message-sink.js'
import { StreamParser } from '../src/stream-parser.js'
import { Llhttp } from './llhttp.js'

const request = Buffer.from(
  'GET /api/products/42/reviews?page=2 HTTP/1.1\r\nHost: reviews.example.test:9080\r\nUser-Agent: Go-http-client/1.1\r\n' +
    'Accept: application/json\r\nAccept-Encoding: gzip\r\nX-Request-Id: 5f6a1c9e-0c1d-4c6e-9a55-9f6b1b7c2d10\r\nCookie: session=0123456789abcdef\r\n\r\n',
)
const response = Buffer.from(
  'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Tue, 01 Jul 2025 12:00:00 GMT\r\nServer: gunicorn\r\n' +
    'Content-Length: 94\r\n\r\n{"id":42,"podname":"reviews-7","clustername":"null","reviews":[{"reviewer":"A","text":"good"}]}'.slice(
      0,
      94 + 22,
    ),
)
const seen = { time: 1_700_000_000_000_000, timeNanos: 0, pid: 1, processStart: 1 }

/** Counts, and makes nothing of what it is given: what the parser itself costs. */
class Counter implements MessageSink {
  messages = 0
  message(): void {
    this.messages++
  }
}

/** Makes strings of everything in a head, as a parser for applications does. */
class Strings implements MessageSink {
  messages = 0
  characters = 0
  message(_endpoint: Endpoint, _direction: Direction, raw: Buffer, _start: number, _end: number, head: Head): void {
    this.messages++
    this.characters += raw.toString('latin1', head.targetStart, head.targetEnd).length
    for (let slot = 0; slot < head.fieldCount * 4; slot += 4) {
      this.characters += raw.toString('latin1', head.fields[slot] as number, head.fields[slot + 1]).length
      this.characters += raw.toString('latin1', head.fields[slot + 2] as number, head.fields[slot + 3]).length
    }
  }
}

function newEndpoint(): Endpoint {
  const endpoint = new Endpoint(Buffer.alloc(8), 1, 'socket', {
    host: 'h',
    boot: Buffer.alloc(16),
    pid: 1,
    processStart: 1,
  })
  const address = Buffer.from([10, 0, 0, 1])
  endpoint.setPlace({
    role: 'client',
    netns: 1,
    localAddress: address,
    localPort: 1,
    remoteAddress: address,
    remotePort: 2,
  })
  return endpoint
}

function own(sink: MessageSink & { messages: number }): (pairs: number) => void {
  const parser = new StreamParser(sink)
  return (pairs) => {
    const endpoint = newEndpoint()
    const before = sink.messages
    for (let pair = 0; pair < pairs; pair++) {
      parser.data(endpoint, endpoint.send, request, 0, request.length, seen)
      parser.data(endpoint, endpoint.receive, response, 0, response.length, seen)
    }
    if (sink.messages - before !== 2 * pairs) throw new Error('messages are missing')
  }
}

function llhttp(pairs: number): void {
  const requests = new Llhttp('request')
  const responses = new Llhttp('response')
  for (let pair = 0; pair < pairs; pair++) {
    requests.execute(request)
    responses.execute(response)
    if (requests.messages.length + responses.messages.length !== 2) throw new Error('messages are missing')
    requests.messages.length = 0
    responses.messages.length = 0
  }
  requests.close()
  responses.close()
}

/** The whole step: a SocketIo record read, parsed, an HttpMessage record written. */
function step(): (pairs: number) => void {
  const codec = new TopicCodec('syscalls')
  const io: SocketIo = {
    connection: Buffer.alloc(8, 7),
    ...seen,
    direction: 'send',
    role: 'client',
    cookie: 12_345,
    position: 0,
    length: request.length,
    missing: 'none',
    layer: 'socket',
    joinedLate: false,
    transport: 'tcp',
    localAddress: Buffer.from([10, 4, 2, 60]),
    localPort: 38_338,
    remoteAddress: Buffer.from([10, 4, 2, 59]),
    remotePort: 9080,
    netns: 4_026_531_840,
    host: 'host-1',
    boot: Buffer.alloc(16, 3),
    payload: request,
  }
  const many = 256
  const inputs: InputRecord[] = []
  for (let pair = 0; pair < many; pair++) {
    const ask = { ...io, position: pair * request.length }
    const answer = {
      ...io,
      direction: 'recv' as const,
      position: pair * response.length,
      length: response.length,
      payload: response,
    }
    for (const value of [ask, answer]) {
      inputs.push({
        topic: 'syscalls',
        partition: 0,
        offset: 0,
        timestamp: 1_700_000_000_000,
        key: io.connection,
        value: codec.encode('SocketIo', value),
        codec: codec as unknown as InputRecord['codec'],
      })
    }
  }
  const batch = Buffer.alloc(1 << 20)
  let end = 0
  let messages = 0
  const out: Output = {
    emit: () => {},
    emitEncoded: (_topic, _key, _timestamp, sizeHint, write) => {
      if (end + sizeHint > batch.length) end = 0
      end = write(batch, end)
      messages++
    },
  }
  return (pairs) => {
    messages = 0
    const rounds = Math.ceil(pairs / many)
    for (let round = 0; round < rounds; round++) {
      const entries = new Map<string, Connection>()
      const state: KeyedState<Connection> = {
        get size() {
          return entries.size
        },
        get: (key) => entries.get(key),
        update: (key) => entries.get(key),
        set: (key, value) => void entries.set(key, value),
        delete: (key) => void entries.delete(key),
        entries: () => entries.entries(),
      }
      for (const input of inputs) processor.step(input, state, out)
    }
    if (messages !== rounds * many * 2) throw new Error(`messages are missing: ${messages}`)
  }
}
const processor = httpParser.create()

const all: [name: string, run: (pairs: number) => void][] = [
  ['own parser', own(new Counter())],
  ['own parser, every name and value made a string', own(new Strings())],
  ['whole step: SocketIo in, HttpMessage out', step()],
  ['llhttp (wasm, as in undici), strings', llhttp],
]
const runs = all.filter(([name]) => name.includes(process.argv[4] ?? ''))
const pairs = Number(process.argv[2] ?? 102_400)
const rounds = Number(process.argv[3] ?? 7)
const rates = runs.map((): number[] => [])
for (const [, run] of runs) run(Math.min(pairs, 20_000))
// In turns, so that what else the machine does falls on all alike.
for (let round = 0; round < rounds; round++) {
  for (const [index, [, run]] of runs.entries()) {
    const started = process.cpuUsage()
    run(pairs)
    const { user, system } = process.cpuUsage(started)
    rates[index]?.push(pairs / (user + system))
  }
}
const medians = rates.map((each) => each.sort((one, other) => one - other)[Math.floor(rounds / 2)] as number)
const reference = medians[medians.length - 1] as number
const lines = runs.map(
  ([name], index) =>
    `| ${name} | ${medians[index]?.toFixed(2)} | ${((medians[index] as number) / reference).toFixed(1)} |`,
)
process.stdout.write(
  [
    `request ${request.length} B, response ${response.length} B; median of ${rounds} runs of ${pairs} pairs`,
    '| | million pairs per second of CPU | of llhttp |',
    '|---|---|---|',
    ...lines,
    '',
  ].join('\n'),
)
