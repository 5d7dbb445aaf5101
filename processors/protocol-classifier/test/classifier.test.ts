import { describe, expect, test } from 'vitest'
import { realClientHello } from './client-hello.js'
import { type EndSettings, Harness, t0 } from './harness.js'

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

/** The Connection records of one client end that did this and closed. */
function connectionsOf(settings: EndSettings, act: (end: ReturnType<Harness['end']>) => void) {
  const h = new Harness()
  const end = h.end(settings).opened()
  act(end)
  end.closed()
  return h.connections.map(({ protocol, category, confidence, reason, serverName }) => ({
    protocol,
    category,
    confidence,
    reason,
    serverName,
  }))
}

describe('when only the port speaks', () => {
  const nothing = { serverName: null }
  test('the record says why', () => {
    expect(connectionsOf({ port: 9092 }, () => {})).toEqual([
      { ...nothing, protocol: 'kafka', category: 'message_bus', confidence: 60, reason: 'port 9092; no bytes seen' },
    ])
    expect(
      connectionsOf({ port: 5432 }, (end) => {
        end.send('', { length: 80, missing: 'io_uring' }).receive('', { length: 300, missing: 'io_uring' })
      }),
    ).toEqual([
      {
        ...nothing,
        protocol: 'postgres',
        category: 'database',
        confidence: 60,
        reason: 'port 5432; payload could not be seen (io_uring)',
      },
    ])
    expect(connectionsOf({ port: 6379, joinedLate: true }, (end) => end.receive('of some value\r\n'))).toEqual([
      { ...nothing, protocol: 'redis', category: 'cache', confidence: 60, reason: 'port 6379; joined after the start' },
    ])
    expect(connectionsOf({ port: 5672, joinedLate: true }, () => {})).toMatchObject([
      { protocol: 'amqp', confidence: 60, reason: 'port 5672; joined after the start, no bytes seen' },
    ])
    expect(connectionsOf({ port: 27017 }, (end) => end.send('\x40\0\0\0'))).toMatchObject([
      { protocol: 'mongodb', confidence: 60, reason: 'port 27017; too few bytes to tell' },
    ])
    expect(connectionsOf({ port: 4222 }, (end) => end.lose('recv', 300).receive('tail of something'))).toMatchObject([
      { protocol: 'nats', confidence: 60, reason: 'port 4222; the first bytes were lost' },
    ])
  })

  test.each([
    [5432, 'postgres'],
    [3306, 'mysql'],
    [27017, 'mongodb'],
    [1433, 'mssql'],
    [6379, 'redis'],
    [26379, 'redis'],
    [11211, 'memcached'],
    [9092, 'kafka'],
    [19092, 'kafka'],
    [29092, 'kafka'],
    [9093, 'kafka'],
    [5672, 'amqp'],
    [5671, 'amqp'],
    [4222, 'nats'],
    [6222, 'nats'],
  ])('port %i is %s’s, and TLS on it is 60 with the server name', async (port, protocol) => {
    const hello = await realClientHello({ servername: 'db.example.test' })
    expect(connectionsOf({ port }, (end) => end.send(hello))).toMatchObject([
      { protocol, confidence: 60, reason: `port ${port}; the payload is TLS`, serverName: 'db.example.test' },
    ])
    expect(connectionsOf({ port, role: 'server' }, (end) => end.receive(hello))).toMatchObject([
      { protocol, confidence: 60 },
    ])
  })

  test('a payload that contradicts the port wins', () => {
    const ssh = 'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n'
    expect(connectionsOf({ port: 5432 }, (end) => end.send(ssh))).toEqual([
      {
        ...nothing,
        protocol: null,
        category: null,
        confidence: 0,
        reason: 'port 5432, but the payload is not postgres: starts with "SSH-2.0-OpenSSH_9.2p1 De"',
      },
    ])
    expect(connectionsOf({ port: 6379 }, (end) => end.send(startup))).toMatchObject([
      { protocol: 'postgres', confidence: 90 },
    ])
  })
})

describe('other protocols', () => {
  test('TLS elsewhere is tls with its server name, at whichever cut', async () => {
    const hello = await realClientHello({ servername: 'api.example.test' })
    const tls = {
      protocol: 'tls',
      category: 'other',
      confidence: 90,
      reason: 'TLS ClientHello',
      serverName: 'api.example.test',
    }
    expect(connectionsOf({ port: 443 }, (end) => end.send(hello))).toEqual([tls])
    const byByte = connectionsOf({ port: 443 }, (end) => {
      for (const byte of hello) end.send(Buffer.from([byte]))
    })
    expect(byByte).toEqual([tls])
    // Closed before the name was seen: TLS all the same.
    expect(connectionsOf({ port: 443 }, (end) => end.send(hello.subarray(0, 60)))).toMatchObject([
      { protocol: 'tls', serverName: null },
    ])
  })

  test('ALPN names what is inside', async () => {
    const postgres = await realClientHello({ servername: 'db.example.test', ALPNProtocols: ['postgresql'] })
    expect(connectionsOf({ port: 5432 }, (end) => end.send(postgres))).toMatchObject([
      { protocol: 'postgres', confidence: 90, serverName: 'db.example.test' },
    ])
    const sqlServer = await realClientHello({ ALPNProtocols: ['tds/8.0'] })
    expect(connectionsOf({ port: 40_000 }, (end) => end.send(sqlServer))).toMatchObject([
      { protocol: 'mssql', confidence: 90 },
    ])
  })

  test('TLS joined late has no server name', () => {
    const record = Buffer.concat([Buffer.from([23, 3, 3, 0, 40]), Buffer.alloc(40, 0xa5)])
    expect(connectionsOf({ port: 443, joinedLate: true }, (end) => end.send(record))).toMatchObject([
      { protocol: 'tls', serverName: null },
    ])
    expect(connectionsOf({ port: 5432, joinedLate: true }, (end) => end.send(record))).toMatchObject([
      { protocol: 'postgres', confidence: 60, reason: 'port 5432; the payload is TLS' },
    ])
  })

  test('HTTP/2 is http2', () => {
    expect(connectionsOf({ port: 50_051 }, (end) => end.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'))).toMatchObject([
      { protocol: 'http2', category: 'other', confidence: 90 },
    ])
  })

  test('HTTP/1 has no Connection, only its end, also on a usual port of the table', () => {
    for (const port of [8080, 9092]) {
      const h = new Harness()
      h.end({ port }).opened().send('GET / HTTP/1.1\r\nHost: x\r\n\r\n').receive('HTTP/1.1 200 OK\r\n\r\n').closed()
      expect(h.emitted.map(({ kind }) => kind)).toEqual(['ConnectionEnd'])
      expect(h.ends).toMatchObject([{ protocol: 'http1', sent: 27, received: 19, captured: 46 }])
    }
  })

  test('HTTP/1 joined in the middle of a body is found at its next message', () => {
    const h = new Harness()
    const end = h.end({ port: 8080, joinedLate: true }).opened()
    end.receive('...the rest of a body').send('GET /next HTTP/1.1\r\n\r\n').closed()
    expect(h.connections).toEqual([])
    expect(h.ends).toMatchObject([{ protocol: 'http1' }])
  })

  test('what is not recognised is said at once, in words', () => {
    const h = new Harness()
    h.end().opened().send('220 mail.example.test ESMTP\r\n')
    expect(h.connections).toMatchObject([
      {
        protocol: null,
        category: null,
        confidence: 0,
        reason: 'no known protocol; starts with "220 mail.example.test ES"',
      },
    ])
    expect(connectionsOf({}, (end) => end.send(Buffer.from('c0ffee0102', 'hex')))).toMatchObject([
      { protocol: null, reason: 'no known protocol; starts with bytes c0 ff ee 01 02' },
    ])
    expect(connectionsOf({}, () => {})).toMatchObject([{ protocol: null, reason: 'no known protocol; no bytes seen' }])
  })
})

describe('both ends observed', () => {
  test('each has its record by its own bytes, and its peer', () => {
    const h = new Harness()
    const client = h.end({ port: 6379 }).opened()
    const server = h.end({ port: 6379, role: 'server', cookie: 88, pid: 600 }).opened()
    client.send(redisPing)
    h.restart()
    // The server's receive was lost: what it sent speaks for itself.
    server.lose('recv', 14).send('+PONG\r\n')
    client.closed()
    server.closed()
    expect(h.connections).toMatchObject([
      { role: 'client', process: { pid: 500 }, peer: { pid: 600 }, reason: 'redis RESP array' },
      { role: 'server', process: { pid: 600 }, peer: { pid: 500 }, reason: 'redis RESP reply PONG' },
    ])
    expect(h.ends).toMatchObject([
      { role: 'client', peer: { pid: 600 }, sent: 14, received: 0, unseen: [] },
      { role: 'server', peer: { pid: 500 }, sent: 7, received: 14, captured: 7, unseen: ['lost'] },
    ])
    expect(h.state.size).toBe(0)
  })

  test('two hosts whose cookies happen to be equal are two ends', () => {
    const h = new Harness()
    const client = h.end({ port: 6379 }).opened()
    const server = h.end({ port: 6379, role: 'server', host: 'h2' }).opened()
    client.send(redisPing)
    server.receive(redisPing)
    server.closed()
    client.closed()
    expect(h.connections.map(({ process }) => process.host)).toEqual(['h1', 'h2'])
    expect(h.ends).toMatchObject([
      { role: 'server', process: { host: 'h2' }, sent: 0, received: 14 },
      { role: 'client', process: { host: 'h1' }, sent: 14, received: 0 },
    ])
  })
})

describe('what was not captured', () => {
  test('is counted, with every reason', () => {
    const h = new Harness()
    const end = h.end({ port: 6379 }).opened().send(redisPing)
    end.send('0123456789', { length: 5000, missing: 'cap' })
    end.receive('', { length: 700, missing: 'no_user_buffer' })
    end.receive('', { length: 300, missing: 'no_user_buffer' })
    end.lose('recv', 50)
    end.closed()
    expect(h.ends).toMatchObject([
      { sent: 5014, received: 1050, captured: 24, unseen: ['cap', 'no_user_buffer', 'lost'] },
    ])
  })

  test('of a connection joined late only what passed since counts', () => {
    const h = new Harness()
    h.end({ port: 6379, joinedLate: true }).opened().send(redisPing).closed()
    expect(h.connections).toMatchObject([{ protocol: 'redis', confidence: 90, joinedLate: true }])
    expect(h.ends).toMatchObject([{ sent: 14, received: 0, captured: 14, unseen: ['joined_late'] }])
  })

  test('a ConnectionOpened that was lost changes nothing but the count of lost bytes', () => {
    const h = new Harness()
    h.end({ port: 6379 }).lose('send', 100).send(redisPing).closed()
    expect(h.connections).toMatchObject([{ protocol: 'redis', confidence: 90 }])
    expect(h.ends).toMatchObject([{ sent: 114, captured: 14, unseen: ['lost'] }])
  })

  test('bytes above a TLS library are neither counted nor judged: they passed the socket as TLS', () => {
    const h = new Harness()
    const end = h.end().opened()
    end.send(redisPing, { layer: 'tls', position: 0 })
    expect(h.connections).toEqual([])
    expect([...h.state.entries()][0]?.[1].ends[0]?.sent.bytes).toBe(0)
  })

  test('the end of a connection never seen says nothing', () => {
    const h = new Harness()
    h.end().closed()
    expect(h.emitted).toEqual([])
  })
})
