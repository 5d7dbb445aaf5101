import { expect, test } from 'vitest'
import type { Opening, Protocol } from '../src/protocols/protocol.js'
import { protocols } from '../src/protocols/registry.js'
import { otherTraffic } from './other-traffic.js'
import { readVectors } from './record/fixture.js'
import type { RecordedPiece } from './record/recording-proxy.js'

const table = protocols.filter(({ category }) => category !== 'other')

/** Every protocol but `own` that at some byte of the connection says it is its own. */
function claims(pieces: readonly RecordedPiece[], candidates: readonly Protocol[], fromStart = true): string[] {
  const found = new Set<string>()
  const ask = (client: Buffer, server: Buffer): void => {
    for (const port of [40_000, 53]) {
      const opening: Opening = {
        client,
        server,
        clientFromStart: fromStart,
        serverFromStart: fromStart,
        port,
        transport: 'tcp',
      }
      for (const protocol of candidates) if (typeof protocol.match(opening) === 'object') found.add(protocol.name)
    }
  }
  const seen = { client: Buffer.alloc(0), server: Buffer.alloc(0) }
  const none = Buffer.alloc(0)
  for (const { from, data } of pieces) {
    const before = seen[from]
    const piece = Buffer.from(data, 'latin1').subarray(0, 4096 - before.length)
    for (let length = 1; length <= piece.length; length += length < 128 ? 1 : 61) {
      seen[from] = Buffer.concat([before, piece.subarray(0, length)])
      ask(seen.client, seen.server)
      // Only one side seen.
      if (from === 'client') ask(seen.client, none)
      else ask(none, seen.server)
    }
    seen[from] = Buffer.concat([before, piece])
  }
  return [...found]
}

test.each(Object.entries(otherTraffic))('%s is none of the nine', (name, pieces) => {
  expect(claims(pieces, table)).toEqual([])
  // Mid-stream too, from every piece on.
  for (let i = 0; i < pieces.length; i++)
    expect(claims(pieces.slice(i), table, false), `${name} from piece ${i}`).toEqual([])
})

const vectors = readVectors().map(
  ({ protocol, vector }) => [`${protocol}: ${vector.scenario}`, protocol, vector.pieces] as const,
)

test.each(vectors)('%s is no other protocol', (_, own, pieces) => {
  const others = protocols.filter(({ name }) => name !== own)
  expect(claims(pieces, others)).toEqual([])
  // What follows an SSLRequest is TLS when nothing before it was seen.
  const late = others.filter(({ name }) => name !== 'tls')
  for (let i = 1; i < pieces.length; i++) expect(claims(pieces.slice(i), late, false), `from piece ${i}`).toEqual([])
})

test('a hundred thousand random streams are none', () => {
  const random = generator(1)
  const found: string[] = []
  for (let i = 0; i < 100_000; i++) {
    const client = randomBytes(random, 64)
    const server = randomBytes(random, 64)
    const fromStart = i % 2 === 0
    for (const length of [14, 64]) {
      const sides = { client: client.subarray(0, length), server: server.subarray(0, length) }
      const opening = {
        ...sides,
        clientFromStart: fromStart,
        serverFromStart: fromStart,
        port: 40_000,
        transport: 'tcp' as const,
      }
      for (const protocol of protocols)
        if (typeof protocol.match(opening) === 'object') found.push(`${i} ${protocol.name}`)
    }
  }
  expect(found).toEqual([])
})

test('random lines of words are none', () => {
  const random = generator(2)
  const words =
    'get set add ping pong info connect sub pub msg stats version ok error value end delete hello user pass quit list data'.split(
      ' ',
    )
  const found: string[] = []
  for (let i = 0; i < 20_000; i++) {
    const line = (): Buffer => {
      const count = 1 + (random() % 4)
      const text = Array.from({ length: count }, () => words[random() % words.length]).join(' ')
      const ending = ['\r\n', '\n', '', ' HTTP\r\n'][random() % 4]
      return Buffer.from((random() % 2 ? text : text.toUpperCase()) + ending)
    }
    const opening = {
      client: line(),
      server: line(),
      clientFromStart: true,
      serverFromStart: true,
      port: 40_000,
      transport: 'tcp' as const,
    }
    for (const protocol of table) {
      const verdict = protocol.match(opening)
      if (typeof verdict === 'object') found.push(`${protocol.name}: ${opening.client} ${opening.server}`)
    }
  }
  // A command and an answer that memcached or NATS would give are theirs: what else could they be?
  expect(found.filter((each) => !/^(?:memcached|nats): /.test(each))).toEqual([])
})

/** xorshift32: the same numbers every time. */
function generator(seed: number): () => number {
  let x = seed
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return x >>> 0
  }
}

function randomBytes(random: () => number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i += 4) bytes.writeUInt32LE(random(), i)
  return bytes
}
