import { describe, expect, test } from 'vitest'
import { Harness, t0 } from './harness.js'
import { readVectors } from './record/fixture.js'

const redisPing = '*1\r\n$4\r\nPING\r\n'
const second = 1000
const hour = 3600 * second

describe('undecided connections', () => {
  test('with bytes wait ten seconds of event time, from the first byte on', () => {
    const h = new Harness()
    const end = h.end({ port: 27017 }).opened()
    h.time += 5 * second
    end.send('\x40\0\0\0')
    h.watermark(t0 + 14_999)
    expect(h.emitted).toEqual([])
    h.watermark(t0 + 15_001)
    expect(h.emitted).toMatchObject([
      {
        kind: 'Connection',
        timestamp: t0 + 15_001,
        value: { protocol: 'mongodb', confidence: 60, time: (t0 + 5000) * 1000 + 5 },
      },
    ])
    h.watermark(t0 + 100_000)
    end.send('more').closed()
    expect(h.connections).toHaveLength(1)
  })

  test('joined late wait thirty', () => {
    const h = new Harness()
    h.end({ port: 40_000, joinedLate: true }).opened().send('something')
    h.watermark(t0 + 29_000)
    expect(h.connections).toEqual([])
    h.watermark(t0 + 31_000)
    expect(h.connections).toMatchObject([{ protocol: null, reason: 'no known protocol; joined after the start' }])
  })

  test('silent ones are taken by their usual port after a minute, else when they end', () => {
    const h = new Harness()
    h.end({ port: 5432 }).opened()
    const other = h.end({ port: 40_000, connection: 'ffffffff00000000', cookie: 9 }).opened()
    h.watermark(t0 + 59_000)
    expect(h.connections).toEqual([])
    h.watermark(t0 + hour)
    expect(h.connections).toMatchObject([{ protocol: 'postgres', reason: 'port 5432; no bytes seen' }])
    other.send(redisPing)
    expect(h.connections).toMatchObject([{ protocol: 'postgres' }, { protocol: 'redis', confidence: 90 }])
  })

  test('are given up after enough pieces', () => {
    const h = new Harness()
    const end = h.end({ port: 40_000, joinedLate: true }).opened()
    for (let i = 0; i < 63; i++) end.send('what is this?')
    expect(h.connections).toEqual([])
    end.send('what is this?')
    expect(h.connections).toMatchObject([{ protocol: null, confidence: 0 }])
  })
})

describe('the end of capture', () => {
  test('ends the watching of what is open; what goes on is not announced twice', () => {
    const h = new Harness()
    const end = h.end({ port: 6379 }).opened().send(redisPing).receive('+PONG\r\n')
    h.end({ port: 5432, connection: 'ffffffff00000000', cookie: 9 }).opened()
    h.watermark(t0 + 20 * second, true)
    expect(h.connections.map(({ protocol }) => protocol)).toEqual(['redis', 'postgres'])
    expect(h.ends).toMatchObject([
      { protocol: 'redis', time: (t0 + 20 * second) * 1000, sent: 14, received: 7, captured: 21 },
      { protocol: 'postgres', sent: 0 },
    ])
    h.watermark(t0 + 21 * second, true)
    expect(h.ends).toHaveLength(2)

    h.restart()
    h.time += hour
    // Passed while nobody watched.
    end.lose('send', 1000).lose('recv', 500)
    end.opened().send(redisPing)
    h.time += second
    end.closed()
    expect(h.connections).toHaveLength(2)
    expect(h.ends[2]).toMatchObject({ protocol: 'redis', sent: 14, received: 0, captured: 14, unseen: ['joined_late'] })
  })

  test('what closed while nobody watched is forgotten in silence', () => {
    const h = new Harness()
    h.end({ port: 6379 }).opened().send(redisPing)
    h.watermark(t0 + second, true)
    const emitted = h.emitted.length
    h.watermark(t0 + 25 * hour)
    expect(h.state.size).toBe(0)
    expect(h.emitted).toHaveLength(emitted)
  })
})

describe('connections whose close was lost', () => {
  test('are ended after a day without a record, UDP after five minutes, DNS after half a minute', () => {
    const h = new Harness()
    const tcp = h.end({ port: 6379 }).opened().send(redisPing)
    h.end({ port: 123, transport: 'udp', connection: 'ffffffff00000000', cookie: 9 })
      .opened()
      .send('\x1b'.padEnd(48, '\0'))
    const query = Buffer.from('abcd01000001000000000000047465737400' + '00010001', 'hex')
    h.end({ port: 53, transport: 'udp', connection: 'eeeeeeee00000000', cookie: 8 }).opened().send(query)
    h.watermark(t0 + 29 * second)
    expect(h.ends).toEqual([])
    h.watermark(t0 + 31 * second)
    expect(h.ends).toMatchObject([{ protocol: 'dns' }])
    h.emitted.length = 0
    h.watermark(t0 + 299 * second)
    expect(h.ends).toEqual([])
    h.watermark(t0 + 301 * second)
    expect(h.ends).toMatchObject([{ protocol: null, serverPort: 123, sent: 48 }])
    h.time = t0 + 20 * hour
    tcp.send(redisPing)
    h.watermark(t0 + 25 * hour)
    expect(h.ends).toHaveLength(1)
    h.watermark(t0 + 45 * hour)
    expect(h.ends).toMatchObject([{ serverPort: 123 }, { protocol: 'redis', sent: 28 }])
    expect(h.state.size).toBe(0)
  })
})

test('a crash at any record changes nothing of what comes out', () => {
  const run = (crash: boolean) => {
    const h = new Harness()
    const step = (): void => {
      h.time += 300
      if (crash) h.restart()
      h.watermark(h.time)
      if (crash) h.restart()
    }
    const ends = readVectors().map(({ vector }, i) => {
      const connection = (0x10000000 + i * 7919).toString(16).padEnd(16, 'e')
      return {
        vector,
        end: h.end({
          connection,
          cookie: 100 + i,
          port: [6379, 40_000, 5432, 53][i % 4] as number,
          joinedLate: i % 5 === 0,
        }),
      }
    })
    for (const { end } of ends) end.opened()
    for (let piece = 0; piece < 5; piece++) {
      for (const { vector, end } of ends) {
        const next = vector.pieces[piece]
        if (next === undefined) end.closed()
        else if (next.from === 'client') end.send(next.data)
        else end.receive(next.data)
        step()
      }
    }
    h.watermark(h.time + 40 * second)
    h.watermark(h.time, true)
    return h.emitted
  }
  const emitted = run(false)
  expect(emitted.length).toBeGreaterThan(80)
  expect(run(true)).toEqual(emitted)
})

test('connections due at one watermark come in the order of their ids, after a crash too', () => {
  const run = (crash: boolean) => {
    const h = new Harness()
    for (const id of ['cc', 'aa', 'dd', 'bb'])
      h.end({ connection: id.repeat(8), port: 27017 })
        .opened()
        .send('\x40\0')
    if (crash) h.restart()
    h.watermark(t0 + 60 * second)
    h.watermark(t0 + 61 * second, true)
    return h.emitted.map(({ kind, value }) => kind !== 'NameAnswer' && value.connection.toString('hex', 0, 1))
  }
  expect(run(false)).toEqual(['aa', 'bb', 'cc', 'dd', 'aa', 'bb', 'cc', 'dd'])
  expect(run(true)).toEqual(run(false))
})

test('of a decided connection the state keeps no payload', () => {
  const h = new Harness()
  h.end({ port: 6379 }).opened().send(redisPing).send('x'.repeat(3000))
  expect([...h.state.entries()][0]?.[1].ends[0]).toMatchObject({ undecided: null, decided: { answers: null } })
})
