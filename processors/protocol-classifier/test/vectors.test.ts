import { describe, expect, test } from 'vitest'
import { protocolNamed } from '../src/protocols/registry.js'
import { type EndSettings, Harness } from './harness.js'
import { readVectors, type Vector } from './record/fixture.js'
import type { RecordedPiece } from './record/recording-proxy.js'

const vectors = readVectors()
const cases = vectors.map(({ protocol, vector }) => ({
  protocol,
  vector,
  name: `${protocol}: ${vector.scenario} (${vector.client})`,
}))

/** Plays pieces into one end, closes it, and gives the harness. */
function play(pieces: readonly RecordedPiece[], settings: EndSettings, each?: (h: Harness) => void): Harness {
  const h = new Harness()
  const end = h.end(settings).opened()
  const isClient = settings.role !== 'server'
  for (const { from, data } of pieces) {
    if ((from === 'client') === isClient) end.send(data)
    else end.receive(data)
    each?.(h)
  }
  end.closed()
  return h
}

function byByte(pieces: readonly RecordedPiece[]): RecordedPiece[] {
  return pieces.flatMap((piece) => [...piece.data].map((data) => ({ ...piece, data })))
}

const roles = ['client', 'server'] as const

test('there are vectors of all nine protocols', () => {
  const protocols = [...new Set(vectors.map(({ protocol }) => protocol))]
  expect(protocols.sort()).toEqual([
    'amqp',
    'kafka',
    'memcached',
    'mongodb',
    'mssql',
    'mysql',
    'nats',
    'postgres',
    'redis',
  ])
})

describe.each(cases)('$name', ({ protocol, vector }) => {
  const known = protocolNamed(protocol)
  const confirmed = { protocol, category: known?.category, confidence: 90 }

  test.each(roles)('is recognised at the %s, whole and byte by byte, on its port and on another', (role) => {
    for (const port of [known?.ports[0] as number, 40_000]) {
      const whole = play(vector.pieces, { role, port })
      const bytes = play(byByte(vector.pieces), { role, port })
      expect(whole.connections).toMatchObject([{ ...confirmed, role, serverPort: port, clientPort: 51_000 }])
      expect(bytes.connections).toMatchObject([{ ...confirmed, role }])
      expect(whole.ends).toMatchObject([{ protocol, unseen: [] }])
      expect(bytes.ends[0]).toMatchObject({ sent: whole.ends[0]?.sent, received: whole.ends[0]?.received })
    }
  })

  test.each(roles)('is recognised at the %s when every piece is followed by a crash', (role) => {
    const h = play(vector.pieces, { role }, (each) => each.restart())
    expect(h.connections).toMatchObject([confirmed])
    expect(h.connections).toEqual(play(vector.pieces, { role }).connections)
  })

  test.each(roles)(
    'is recognised when the role of the observed %s is not known, and says who is the client',
    (role) => {
      const pieces = role === 'client' ? vector.pieces : swapped(vector)
      const h = new Harness()
      const end = h.end({ role: 'unknown', port: 40_000 }).opened()
      for (const { from, data } of pieces) from === 'client' ? end.send(data) : end.receive(data)
      end.closed()
      expect(h.connections).toMatchObject([{ ...confirmed, role }])
      expect(h.connections[0]?.reason).toContain('who is the client is taken from the protocol')
      const clientPort = role === 'client' ? 51_000 : 40_000
      expect(h.ends).toMatchObject([{ role, clientPort }])
    },
  )

  test('on another protocol’s port the payload wins', () => {
    for (const port of [5432, 3306, 27017, 1433, 6379, 11211, 9092, 5672, 4222]) {
      expect(play(vector.pieces, { port }).connections).toMatchObject([confirmed])
    }
  })

  test('joined after the first piece of each side, it is this protocol or nothing', () => {
    const rest = joinedLate(vector.pieces)
    const elsewhere = play(rest, { joinedLate: true, port: 40_000 }).connections
    expect(elsewhere).toHaveLength(1)
    expect([protocol, null, 'tls']).toContain(elsewhere[0]?.protocol)
    const port = known?.ports[0] as number
    const usual = play(rest, { joinedLate: true, port }).connections
    expect(usual).toMatchObject([{ protocol, joinedLate: true }])
    if (elsewhere[0]?.confidence === 90 && elsewhere[0].protocol === protocol) expect(usual[0]?.confidence).toBe(90)
    else expect(usual[0]?.reason).toMatch(/^port \d+; (joined after the start|the payload is TLS)/)
  })
})

/** The rest of a connection after the first piece of each side. */
function joinedLate(pieces: readonly RecordedPiece[]): RecordedPiece[] {
  const first = new Set<string>()
  return pieces.filter(({ from }) => (first.has(from) ? true : !first.add(from)))
}

function swapped(vector: Vector): RecordedPiece[] {
  return vector.pieces.map((piece) => ({ ...piece, from: piece.from === 'client' ? 'server' : 'client' }))
}

test.each(['redis', 'mongodb', 'kafka', 'amqp', 'nats', 'memcached', 'postgres', 'mysql'])(
  'a busy %s connection joined late is recognised by its payload on any port',
  (protocol) => {
    const late = vectors.filter((each) => each.protocol === protocol).map(({ vector }) => joinedLate(vector.pieces))
    const seen = late.map((pieces) => play(pieces, { joinedLate: true }).connections[0]?.protocol)
    expect(seen).toContain(protocol)
  },
)
