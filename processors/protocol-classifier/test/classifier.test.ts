import { describe, expect, test } from 'vitest'
import { Harness, t0 } from './harness.js'

const redisPing = '*1\r\n$4\r\nPING\r\n'
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f])
const startup = Buffer.from('\0\0\0\x16\0\x03\0\0user\0someone\0\0', 'latin1')

describe('one connection', () => {
  test('is announced once, at the piece that made it certain, and its end says what passed', () => {
    const h = new Harness()
    const end = h.end({ port: 6379 }).opened()
    h.time += 5
    end.send('*1\r\n$4\r\nPI')
    expect(h.emitted).toEqual([])
    h.time += 5
    end.send('NG\r\n').receive('+PONG\r\n').send(redisPing)
    h.time += 1000
    end.closed()
    expect(h.emitted).toEqual([
      {
        topic: 'connections',
        kind: 'Connection',
        key: Buffer.from('01020304a0b0c0d0', 'hex').toString('latin1'),
        timestamp: t0 + 10,
        value: {
          connection: Buffer.from('01020304a0b0c0d0', 'hex'),
          time: (t0 + 5) * 1000 + 5,
          timeNanos: 6,
          role: 'client',
          cookie: 77,
          netns: 4_026_531_840,
          process: { host: 'h1', boot: Buffer.alloc(16, 0xb0), pid: 500, processStart: 9000 },
          peer: null,
          transport: 'tcp',
          clientAddress: '10.0.0.1',
          clientPort: 51_000,
          serverAddress: '10.0.0.2',
          serverPort: 6379,
          protocol: 'redis',
          category: 'cache',
          confidence: 90,
          reason: 'redis RESP array',
          serverName: null,
          joinedLate: false,
        },
      },
      expect.objectContaining({
        kind: 'ConnectionEnd',
        timestamp: t0 + 1010,
        value: expect.objectContaining({
          time: (t0 + 1010) * 1000 + 5,
          protocol: 'redis',
          sent: 28,
          received: 7,
          captured: 35,
          unseen: [],
        }),
      }),
    ])
    expect(h.state.size).toBe(0)
  })

  test('from the server, the local address is the server', () => {
    const h = new Harness()
    h.end({ role: 'server', port: 5432 }).opened().receive(startup)
    expect(h.connections).toMatchObject([
      {
        role: 'server',
        clientAddress: '10.0.0.1',
        clientPort: 51_000,
        serverAddress: '10.0.0.2',
        serverPort: 5432,
        protocol: 'postgres',
        category: 'database',
        reason: 'port 5432, valid Postgres startup/SSLRequest header',
      },
    ])
  })

  test('a Postgres SSLRequest tells of TLS once the server has answered', () => {
    const h = new Harness()
    h.end({ port: 5432 }).opened().send(sslRequest).receive('S').closed()
    expect(h.connections).toMatchObject([
      { protocol: 'postgres', confidence: 90, reason: 'port 5432, valid Postgres startup/SSLRequest header, then TLS' },
    ])
  })
})
