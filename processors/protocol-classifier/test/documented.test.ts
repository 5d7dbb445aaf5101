import { expect, test } from 'vitest'
import type { Opening } from '../src/protocols/protocol.js'
import { recognise } from '../src/recognise.js'
import { Harness } from './harness.js'

/** What is recognised after the bytes came one by one; when, in bytes; and null when nothing is. */
function recognised(opening: Partial<Opening> & { late?: boolean }): string | null {
  const fromStart = opening.late !== true
  const whole = { client: opening.client ?? Buffer.alloc(0), server: opening.server ?? Buffer.alloc(0) }
  const base = {
    clientFromStart: fromStart,
    serverFromStart: fromStart,
    port: opening.port ?? 40_000,
    transport: 'tcp' as const,
  }
  let found: string | null = null
  for (let length = 1; length <= Math.max(whole.client.length, whole.server.length); length++) {
    const outcome = recognise({
      ...base,
      client: whole.client.subarray(0, length),
      server: whole.server.subarray(0, length),
    })
    const name =
      outcome.kind === 'match'
        ? outcome.recognised.protocol.name
        : outcome.kind === 'more'
          ? (outcome.soFar?.protocol.name ?? null)
          : null
    // Once recognised it stays so, and as the same.
    if (found !== null) expect(name).toBe(found)
    found ??= name
  }
  return found
}

function bytes(...parts: (string | Buffer)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part.replaceAll(' ', ''), 'hex') : part)),
  )
}

function text(value: string): Buffer {
  return Buffer.from(value, 'latin1')
}

const salt = text('abcdefgh')
/** Protocol::HandshakeV10 of MySQL 8 with its plugin name, from the MySQL source documentation. */
const mysql8 = bytes(
  '4a 00 00 00 0a',
  text('8.0.36\0'),
  '0b000000',
  salt,
  '00 ff ff ff 02 00 ff df 15',
  Buffer.alloc(10),
  text('ijklmnopqrst\0caching_sha2_password\0'),
)
const mysqlRefused = bytes(
  '45 00 00 00 ff 69 04',
  text("Host '192.0.2.7' is blocked because of many connection errors; unblo"),
)

test.each<[string, string, Partial<Opening> & { late?: boolean }]>([
  ['postgres', 'GSSENCRequest', { client: bytes('00000008 04d21630') }],
  ['postgres', 'CancelRequest', { client: bytes('00000010 04d2162e 00000539 5f3a2b1c') }],
  ['postgres', 'CancelRequest of protocol 3.2', { client: bytes('0000002c 04d2162e 00000539', Buffer.alloc(32, 7)) }],
  ['postgres', 'startup of protocol 3.2', { client: bytes('00000014 00030002', text('user\0bob\0\0\0')) }],
  ['postgres', 'AuthenticationMD5Password', { server: bytes('52 0000000c 00000005 01020304') }],
  ['postgres', 'S and then a ServerHello', { server: bytes('53 160303007a 020000760303', Buffer.alloc(32)) }],
  ['postgres', 'a query in mid-stream', { client: bytes('51 0000000e', text('SELECT 1;\0')), late: true }],
  [
    'postgres',
    'a result in mid-stream',
    { server: bytes('43 0000000d', text('SELECT 1\0'), '5a 00000005 49'), late: true },
  ],
  ['mysql', 'MySQL 8 greeting, caching_sha2_password', { server: mysql8 }],
  ['mysql', 'an error in place of a greeting', { server: mysqlRefused }],
  ['mysql', 'a query in mid-stream', { client: bytes('09 00 00 00 03', text('SELECT 1')), late: true }],
  [
    'mysql',
    'a query with attributes in mid-stream',
    { client: bytes('0b 00 00 00 03 00 01', text('SELECT 1')), late: true },
  ],
  [
    'mongodb',
    'OP_MSG hello',
    { client: bytes('25000000 01000000 00000000 dd070000 00000000 00 10000000 10', text('hello\0'), '01000000 00') },
  ],
  [
    'mongodb',
    'OP_MSG answer',
    {
      server: bytes('26000000 09000000 01000000 dd070000 00000000 00 11000000 01', text('ok\0'), '000000000000f03f 00'),
    },
  ],
  [
    'mongodb',
    'OP_COMPRESSED',
    { client: bytes('30000000 02000000 00000000 dc070000 dd070000 20000000 02', Buffer.alloc(23, 9)) },
  ],
  ['mssql', 'LOGIN7 without PRELOGIN', { client: bytes('10 01 0090 0000 01 00 88000000 04000074', Buffer.alloc(40)) }],
  [
    'mssql',
    'SQL batch in mid-stream',
    {
      client: bytes('01 01 0026 0000 01 00 16000000 12000000 0200 0000000000000000 01000000', text('S\0')),
      late: true,
    },
  ],
  ['mssql', 'DONE in mid-stream', { server: bytes('04 01 0015 0035 01 00 fd 1000 c100 0100000000000000'), late: true }],
  ['redis', 'RESP3 push', { server: text('>3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n') }],
  [
    'redis',
    'Sentinel',
    { client: text('*3\r\n$8\r\nSENTINEL\r\n$23\r\nget-master-addr-by-name\r\n$8\r\nmymaster\r\n') },
  ],
  ['redis', 'a bulk string reply', { server: text('$5\r\nhello\r\n') }],
  ['redis', 'NOAUTH', { server: text('-NOAUTH Authentication required.\r\n') }],
  ['memcached', 'STORED', { server: text('STORED\r\n') }],
  ['memcached', 'cas', { client: text('cas key 0 60 5 1234\r\nvalue\r\n') }],
  ['memcached', 'SASL list', { client: bytes('80 20 0000 00 00 0000 00000000 00000000 0000000000000000') }],
  ['kafka', 'ApiVersions without client id', { client: bytes('0000000a 0012 0000 00000001 ffff') }],
  [
    'kafka',
    'Metadata without client id, and its response',
    {
      client: bytes('0000000e 0003 0001 0000002a ffff ffffffff'),
      server: bytes('00000014 0000002a 00000000 00000000 00000000 00000000'),
    },
  ],
  [
    'kafka',
    'ApiVersions 3 of librdkafka',
    {
      client: bytes(
        '00000029 0012 0003 00000001 0007',
        text('rdkafka'),
        '00 0b',
        text('librdkafka'),
        '06',
        text('2.3.0'),
        '00',
      ),
    },
  ],
  [
    'kafka',
    'ApiVersions 3 response',
    {
      server: bytes(
        '00000040 00000001 0000 3d',
        '0000 0000 000b 00',
        '0001 0000 0011 00',
        '0002 0000 0009 00',
        '0003 0000 000d 00',
        Buffer.alloc(28),
      ),
    },
  ],
  ['amqp', '1.0 header', { client: bytes(text('AMQP'), '00 01 00 00') }],
  ['amqp', '1.0 SASL header', { server: bytes(text('AMQP'), '03 01 00 00') }],
  ['amqp', '1.0 frame in mid-stream', { client: bytes('0000001a 02 00 0000 00 53 14', Buffer.alloc(15)), late: true }],
  ['amqp', 'heartbeat in mid-stream', { server: bytes('08 0000 00000000 ce'), late: true }],
  ['nats', 'route INFO', { server: text('INFO {"server_id":"NB","go":"go1.20","auth_required":false}\r\n') }],
  ['nats', 'HPUB in mid-stream', { client: text('HPUB news 12 17\r\nNATS/1.0\r\n\r\nhello\r\n'), late: true }],
  ['nats', 'PING and PONG in mid-stream', { client: text('PING\r\n'), server: text('PONG\r\n'), late: true }],
  ['http2', 'SETTINGS of the server', { server: bytes('000006 04 00 00000000 0003 00000064') }],
  ['tls', 'an alert of the server', { server: bytes('15 0303 0002 02 28') }],
])('%s: %s', (protocol, _, opening) => {
  expect(recognised(opening)).toBe(protocol)
})

/** The same messages with one thing wrong. */
test.each<[string, Partial<Opening> & { late?: boolean }]>([
  ['Postgres startup of version 2.0', { client: bytes('00000014 00020000', text('user\0bob\0\0\0')) }],
  [
    'Postgres startup with a parameter that is no name',
    { client: bytes('00000014 00030000', text('us r\0bob\0\0\0')) },
  ],
  ['Postgres SSLRequest of another length', { client: bytes('00000009 04d2162f 00') }],
  ['Postgres authentication of a wrong length', { server: bytes('52 0000000c 00000000 01020304') }],
  ['Postgres query that does not end', { client: bytes('51 0000000e', text('SELECT 1;!')), late: true }],
  ['MySQL greeting whose filler is not 0', { server: Buffer.from(mysql8).fill(1, 24, 25) }],
  ['MySQL greeting without a version', { server: bytes('4a 00 00 00 0a', text('eight.0\0'), Buffer.alloc(66)) }],
  [
    'MySQL handshake response with bytes in its filler',
    { client: bytes('54000001 8da20b00 00000040 2d', Buffer.alloc(23, 1), Buffer.alloc(52)) },
  ],
  ['MySQL handshake response of sequence 0', { client: bytes('54000000 8da20b00 00000040 2d', Buffer.alloc(75)) }],
  ['MySQL command that is no statement', { client: bytes('09 00 00 00 03', text('BARK 123')), late: true }],
  [
    'OP_MSG with undefined flags',
    { client: bytes('25000000 01000000 00000000 dd070000 08000000 00 10000000 10', text('hello\0'), '01000000 00') },
  ],
  [
    'OP_MSG whose document is longer than it',
    { client: bytes('25000000 01000000 00000000 dd070000 00000000 00 20000000 10', text('hello\0'), '01000000 00') },
  ],
  [
    'OP_MSG request that answers something',
    { client: bytes('25000000 01000000 07000000 dd070000 00000000 00 10000000 10', text('hello\0'), '01000000 00') },
  ],
  ['TDS PRELOGIN whose options do not end', { client: bytes('12 01 0014 0000 01 00 00 000b 0006 01 0011 0001 00') }],
  ['TDS PRELOGIN with a window', { client: bytes('12 01 0014 0000 01 01 00 0006 0006 ff 000000000000') }],
  ['TDS LOGIN7 of an unknown version', { client: bytes('10 01 0090 0000 01 00 88000000 04000079', Buffer.alloc(40)) }],
  ['RESP array whose command is of another length', { client: text('*1\r\n$3\r\nPING\r\n') }],
  ['RESP array whose command is no word', { client: text('*1\r\n$4\r\n\x01\x02\x03\x04\r\n') }],
  ['bulk string of another length', { server: text('$4\r\nhello\r\n') }],
  ['an error that other protocols say as well', { server: text('-ERR no\r\n') }],
  [
    'memcached binary request with a data type',
    { client: bytes('80 00 0003 00 01 0000 00000003 00000000 0000000000000000', text('key')) },
  ],
  [
    'memcached binary request with the extras of another',
    { client: bytes('80 00 0003 08 00 0000 0000000b 00000000 0000000000000000', Buffer.alloc(11)) },
  ],
  ['memcached storage command without a length', { client: text('set key 0 60\r\nvalue\r\n') }],
  [
    'Kafka request whose client id has control characters',
    { client: bytes('00000011 0003 0001 00000001 0003', text('a\x01b'), '00000000') },
  ],
  ['Kafka request of an unknown api', { client: bytes('00000011 00ff 0001 00000001 0003', text('abc'), '00000000') }],
  [
    'Kafka request with a client id longer than it',
    { client: bytes('0000000b 0003 0001 00000001 0003', text('abc'), '00000000') },
  ],
  [
    'Kafka request whose response has another correlation id',
    {
      client: bytes('0000000e 0003 0001 0000002a ffff ffffffff'),
      server: bytes('00000014 0000002b 00000000 00000000 00000000 00000000'),
    },
  ],
  ['AMQP of an unknown version', { client: bytes(text('AMQP'), '00 00 09 02') }],
  ['AMQP frame without its end', { client: bytes('01 0001 00000004 003c0028 cd'), late: true }],
  ['NATS CONNECT without options', { client: text('CONNECT {"hello":1}\r\n') }],
  ['INFO that is not JSON', { server: text('INFO server_id\r\n') }],
  ['NATS MSG whose payload is longer', { server: text('MSG news 1 5\r\nhello!\r\n'), late: true }],
  ['TLS record of another version', { client: bytes('16 0401 0200 01 0001fc 0303', Buffer.alloc(40)) }],
  ['TLS application data cut short', { client: bytes('17 0303 0040', Buffer.alloc(16)), late: true }],
  ['HTTP/2 preface cut', { client: text('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n') }],
])('%s is nothing', (_, opening) => {
  expect(recognised(opening)).toBeNull()
})

test('a GSSENCRequest and an SSLRequest tell what became of them', () => {
  const reason = (client: Buffer, answer: string): string | undefined => {
    const h = new Harness()
    h.end({ port: 5432 }).opened().send(client).receive(answer).closed()
    return h.connections[0]?.reason
  }
  const header = 'port 5432, valid Postgres startup/SSLRequest header'
  expect(reason(bytes('00000008 04d21630'), 'G')).toBe(`${header}, then GSSAPI encryption`)
  expect(reason(bytes('00000008 04d21630'), 'N')).toBe(`${header}, encryption refused`)
  expect(reason(bytes('00000008 04d2162f'), 'N')).toBe(`${header}, encryption refused`)
  expect(reason(bytes('00000008 04d2162f'), 'S')).toBe(`${header}, then TLS`)
  expect(reason(bytes('00000008 04d2162f'), '')).toBe(header)
})

test('memcached over UDP is behind its frame header', () => {
  const h = new Harness()
  const frame = bytes('0001 0000 0001 0000')
  h.end({ port: 40_000, transport: 'udp' })
    .opened()
    .send(bytes(frame, text('get key\r\n')))
    .receive(bytes(frame, text('END\r\n')))
  expect(h.connections).toMatchObject([{ protocol: 'memcached', transport: 'udp', confidence: 90 }])
})

test('a UDP connection is given up after a few datagrams of nothing known', () => {
  const h = new Harness()
  const end = h.end({ port: 8125, transport: 'udp' }).opened()
  for (let i = 0; i < 3; i++) end.send('page.views:1|c')
  expect(h.connections).toEqual([])
  end.send('page.views:1|c')
  expect(h.connections).toMatchObject([
    { protocol: null, confidence: 0, reason: 'no known protocol; starts with "page.views:1|c"' },
  ])
})
