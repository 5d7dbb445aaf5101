import { expect, test } from 'vitest'
import { limits } from '../src/index.js'
import { inBrief } from './converse.js'
import { Run } from './run.js'

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const lines = (run: Run) => run.messages.map(inBrief)

test.each([
  ['redis', '*1\r\n$4\r\nPING\r\n', '+PONG\r\n'],
  ['redis inline', 'PING\r\n', '+PONG\r\n'],
  ['memcached', 'get key\r\n', 'END\r\n'],
  ['memcached set', 'set key 0 0 1\r\nx\r\n', 'STORED\r\n'],
  ['nats', 'CONNECT {"verbose":false,"lang": "go"}\r\nPING\r\n', '+OK\r\n'],
  ['smtp', 'EHLO a.example\r\n', '250 a.example\r\n'],
  ['postgres', '\0\0\0\x08\x04\xd2\x16\x2f', 'N'],
  ['tls', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', '\x16\x03\x03'],
  ['http/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\0\0\x06\x04'],
  ['sip', 'OPTIONS sip:a@b SIP/2.0\r\n\r\n', 'SIP/2.0 200 OK\r\n\r\n'],
  ['rtsp', 'OPTIONS rtsp://a/ RTSP/1.0\r\n\r\n', 'RTSP/1.0 200 OK\r\n\r\n'],
  ['ssh', 'SSH-2.0-OpenSSH_9.2\r\n', 'SSH-2.0-OpenSSH_9.2\r\n'],
])('%s is not HTTP, and then costs nothing', (_name, ask, answer) => {
  const run = new Run()
  run.opened('client')
  run.send('client', ask)
  run.receive('client', answer)
  const before = run.state.bytes
  run.send('client', get('/'))
  run.receive('client', ok(''))
  expect(lines(run)).toEqual([])
  expect(run.state.bytes).toBe(before)
})

test.each([
  ['nats', 'INFO {"server_id":"x"}\r\n'],
  ['mysql', 'J\0\0\0\x0a8.0.36\0'],
  ['smtp', '220 mail ESMTP\r\n'],
])('%s, where the server speaks first, is not HTTP', (_name, hello) => {
  const run = new Run()
  run.opened('client')
  run.receive('client', hello)
  run.send('client', get('/'))
  expect(lines(run)).toEqual([])
})

test('UDP is passed over', () => {
  const run = new Run()
  run.send('client', get('/'), { transport: 'udp' })
  expect(lines(run)).toEqual([])
  expect(run.state.size).toBe(0)
})

test('a connection whose opening was lost is followed from its first byte', () => {
  const run = new Run()
  run.send('client', get('/'))
  run.receive('client', ok('a'))
  expect(lines(run)).toEqual(['0 GET /', '0 200 to GET / a'])
})

test('seen first in its middle, without having been there: nothing is said of what was before', () => {
  const run = new Run()
  run.send('client', get('/5'), { position: 5000 })
  run.receive('client', ok('5'), { position: 9000 })
  run.send('client', get('/6'))
  run.receive('client', ok('6'))
  expect(lines(run)).toEqual(['0 GET /5', '0 200 to GET /5 5', '1 GET /6', '1 200 to GET /6 6'])
})

test('seen first in its middle: a response may be that of a request not seen, unless what is sent next tells', () => {
  const run = new Run()
  run.send('client', get('/5'), { position: 5000 })
  run.receive('client', ok('?'), { position: 9000 })
  run.pass()
  run.send('client', get('/7'), { position: 6000 })
  run.receive('client', ok('7'))
  run.pass()
  expect(lines(run).filter((line) => line.includes(' to '))).toEqual(['1 200 to null null ?', '3 200 to GET /7 7'])
})

test('the layer above TLS is a stream of its own', () => {
  const run = new Run()
  run.opened('client')
  run.send('client', '\x16\x03\x01\x02\0\x01')
  run.receive('client', '\x16\x03\x03\x02\0\x01')
  run.send('client', get('/secret'), { layer: 'tls', position: 0 })
  run.receive('client', ok('a'), { layer: 'tls', position: 0 })
  run.closed('client')
  run.pass()
  expect(lines(run)).toEqual(['0 GET /secret', '0 200 to GET /secret a'])
  expect(run.state.size).toBe(0)
})

test('both ends with the same cookie on different hosts are two ends', () => {
  const run = new Run()
  const there = { host: 'other', boot: Buffer.alloc(16, 9), cookie: 11 }
  run.send('client', get('/'))
  run.receive('server', get('/'), there)
  run.send('server', ok('a'), there)
  run.receive('client', ok('a'))
  expect(run.messages.map(({ process, peer }) => [process.host, peer?.host ?? null])).toEqual([
    ['box', null],
    ['other', 'box'],
    ['other', 'box'],
    ['box', 'other'],
  ])
  expect(lines(run)).toHaveLength(4)
})

test('the peer is still known after its own end is closed', () => {
  const run = new Run()
  run.opened('client')
  run.opened('server')
  run.send('client', get('/'))
  run.closed('client')
  run.pass()
  run.receive('server', get('/'))
  expect(run.messages[1]?.peer?.pid).toBe(101)
})

test('a hole is waited for, but neither for many pieces nor for long', () => {
  const pieces = new Run()
  pieces.opened('client')
  const all = Array.from({ length: limits.heldPieces + 2 }, (_, index) => get(`/${index + 10}`))
  let position = all[0]?.length ?? 0
  for (const each of all.slice(1)) {
    expect(lines(pieces)).toEqual([])
    pieces.send('client', each, { position })
    position += each.length
  }
  expect(lines(pieces).length).toBe(all.length)

  const time = new Run()
  time.opened('client')
  time.send('client', get('/b'), { position: 100 })
  time.watermark(time.time + limits.waitMicros / 2)
  expect(lines(time)).toEqual([])
  time.restart()
  time.watermark(time.time + 2 * limits.waitMicros)
  // The first bytes were lost, but what follows is HTTP.
  expect(lines(time)).toEqual(['0 null null [lost 100]', '1 GET /b'])
})

test('a response whose request never comes is given out after a while', () => {
  const run = new Run()
  run.opened('client')
  run.receive('client', ok('a'))
  run.watermark(run.time + limits.waitMicros / 2)
  expect(lines(run)).toEqual([])
  run.watermark(run.time + 2 * limits.waitMicros)
  expect(lines(run)).toEqual(['0 200 to null null a'])
})

test('a request in two halves finds the response that did not wait for it', () => {
  const run = new Run()
  run.opened('client')
  run.send('client', get('/slow').slice(0, 20))
  run.receive('client', ok('a'))
  run.pass()
  run.send('client', get('/slow').slice(20))
  run.send('client', get('/next'))
  expect(lines(run)).toEqual(['0 200 to null null a', '0 GET /slow', '1 GET /next'])
})

test('a head without end is given up, and its message given out when the connection ends', () => {
  const run = new Run()
  run.opened('client')
  run.send('client', 'GET / HTTP/1.1\r\n')
  for (let piece = 10; piece < 74; piece++) run.send('client', `X-${piece}: ${'y'.repeat(16_000)}\r\n`)
  expect(run.messages).toHaveLength(0)
  run.closed('client')
  run.pass()
  expect(run.messages).toMatchObject([{ method: 'GET', url: '/', complete: false }])
  expect(run.messages[0]?.headers).toHaveLength(Math.floor(limits.headBytes / 16_008))
})

test('requests that nobody answers do not pile up without bound', () => {
  const run = new Run()
  run.opened('client')
  const path = `/${'p'.repeat(2000)}`
  for (let count = 0; count < 6000; count++) run.send('client', get(path))
  expect(run.messages).toHaveLength(6000)
  expect(run.state.bytes).toBeLessThan(2 * limits.pendingBytes)
  run.receive('client', ok('a'))
  expect(run.messages.at(-1)?.exchange).toBe(6000 - limits.pendingRequests)
})
