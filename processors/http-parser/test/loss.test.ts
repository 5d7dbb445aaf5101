import { gzipSync } from 'node:zlib'
import type { HttpMessage } from '@syscribe/schemas'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { limits } from '../src/index.js'
import { conversations, cut, places } from './conversations.js'
import { inBrief } from './converse.js'
import { bodyOf, Run } from './run.js'

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

function client(): Run {
  const run = new Run()
  run.opened('client')
  return run
}

function end(run: Run): string[] {
  run.closed('client')
  run.pass()
  expect(run.state.size).toBe(0)
  for (const { length, raw, missingBytes, complete, missingReason } of run.messages) {
    expect(raw.length + missingBytes).toBe(length)
    expect(missingReason === null).toBe(complete)
  }
  return run.messages.map(inBrief)
}

test('a body longer than the capture limit: the next message is still found', () => {
  const run = client()
  run.send('client', get('/big'))
  run.receive('client', ok('x'.repeat(100_000)).slice(0, 60), { length: ok('x'.repeat(100_000)).length })
  run.send('client', get('/next'))
  run.receive('client', ok('next'))
  const start = ok('x'.repeat(100_000)).indexOf('\r\n\r\n') + 4
  expect(end(run)).toEqual([
    '0 GET /big',
    `0 200 to GET /big ${'x'.repeat(60 - start)} [capture_cap ${100_000 - 60 + start}]`,
    '1 GET /next',
    '1 200 to GET /next next',
  ])
  expect(run.messages[1]?.length).toBe(start + 100_000)
})

test.each([
  ['cap', 'capture_cap'],
  ['no_user_buffer', 'lost'],
  ['io_uring', 'lost'],
  ['fault', 'lost'],
  ['joined_late', 'joined_late'],
  ['other', 'lost'],
] as const)('bytes not captured (%s) are said to be %s', (missing, reason) => {
  const run = client()
  run.send('client', get('/file'))
  run.receive('client', 'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n')
  run.receive('client', '', { length: 5000, missing })
  run.send('client', get('/next'))
  expect(end(run)).toEqual(['0 GET /file', `0 200 to GET /file [${reason} 5000]`, '1 GET /next'])
})

test('a body of which a record in the middle is lost', () => {
  const run = client()
  run.send('client', get('/'))
  run.receive('client', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc')
  run.receive('client', 'ghi', { position: 44 })
  run.receive('client', ok('x').slice(0, 20), { position: 47 })
  run.pass()
  expect(run.messages.map(inBrief)).toEqual(['0 GET /', '0 200 to GET / abcghi [lost 3]'])
})

test('chunk data lost does not matter to what follows', () => {
  const run = client()
  const stream = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n2\r\ngh\r\n0\r\n\r\n' + ok('n')
  const hole = stream.indexOf('cd')
  run.send('client', get('/') + get('/n'))
  run.receive('client', stream.slice(0, hole))
  run.receive('client', stream.slice(hole + 4), { position: hole + 4 })
  expect(end(run)).toEqual(['0 GET /', '1 GET /n', '0 200 to GET / abgh [lost 4]', '1 200 to GET /n n'])
})

test('a chunk size lost: the message ends where the next begins', () => {
  const run = client()
  const stream = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n2\r\ngh\r\n0\r\n\r\n'
  const hole = stream.indexOf('f\r\n2')
  run.send('client', get('/'))
  run.receive('client', stream.slice(0, hole))
  run.receive('client', stream.slice(hole + 4), { position: hole + 4 })
  run.send('client', get('/n'))
  run.receive('client', ok('n'))
  expect(end(run)).toEqual([
    '0 GET /',
    '1 GET /n',
    '0 200 to GET / abcde [lost 4] (chunked: a chunk size is missing)',
    '1 200 to GET /n n',
  ])
})

test('a request lost whole: its response and the next exchange keep their numbers', () => {
  const run = client()
  run.send('client', get('/0'))
  run.receive('client', ok('0'))
  run.receive('client', ok('1'))
  const lost = get('/lost').length
  run.send('client', get('/2'), { position: get('/0').length + lost })
  run.receive('client', ok('2'))
  const lines = end(run)
  expect(lines.filter((line) => !line.includes('200'))).toEqual(['0 GET /0', `1 null null [lost ${lost}]`, '2 GET /2'])
  expect(lines.filter((line) => line.includes('200'))).toEqual([
    '0 200 to GET /0 0',
    '1 200 to null null 1',
    '2 200 to GET /2 2',
  ])
})

test('responses lost whole: the one that is seen belongs to the last request of a client that does not pipeline', () => {
  const run = client()
  run.send('client', get('/0'))
  run.receive('client', ok('0'))
  for (const path of ['/1', '/2', '/3']) run.send('client', get(path))
  run.receive('client', ok('3'), { position: 3 * ok('0').length })
  expect(end(run).filter((line) => line.includes(' to '))).toEqual([
    '0 200 to GET /0 0',
    `4 null to null null [lost ${2 * ok('0').length}]`,
    '3 200 to GET /3 3',
  ])
})

test('a head of which bytes are lost: what was read of it stays, the next message is found', () => {
  const run = client()
  run.send('client', 'GET /cut HTTP/1.1\r\nHost: a\r\nAcc')
  run.send('client', 'x\r\n\r\n', { position: 50 })
  run.pass()
  run.receive('client', ok('0'))
  run.send('client', get('/next'))
  run.receive('client', ok('1'))
  expect(end(run)).toEqual([
    '0 200 to GET /cut 0',
    '0 GET /cut x\r\n\r\n [lost 19]',
    '1 GET /next',
    '1 200 to GET /next 1',
  ])
  expect(run.messages[1]?.headers).toEqual([{ name: 'Host', value: 'a' }])
})

test('a request line beyond the capture limit', () => {
  const run = client()
  run.send('client', 'GET /' + 'a'.repeat(50), { length: 300 })
  run.receive('client', ok('0'))
  run.send('client', get('/next'))
  expect(end(run)).toEqual([
    '0 200 to null null 0',
    `0 null null GET /${'a'.repeat(50)} [capture_cap 245]`,
    '1 GET /next',
  ])
})

test('requests that cannot be seen at all (io_uring) are still counted', () => {
  const run = new Run()
  run.opened('server')
  for (const body of ['a', 'b', 'c']) {
    run.receive('server', '', { length: 40, missing: 'io_uring' })
    run.send('server', ok(body))
  }
  run.closed('server')
  run.pass()
  expect(run.messages.map(inBrief)).toEqual([
    '0 200 to null null a',
    '0 null null [lost 40]',
    '1 200 to null null b',
    '1 null null [lost 40]',
    '2 200 to null null c',
    '2 null null [lost 40]',
  ])
})

test('the last response lost shows at the close, from the position', () => {
  const run = client()
  run.send('client', get('/'))
  run.closed('client', get('/').length + 1, 501)
  run.pass()
  expect(run.messages.map(inBrief)).toEqual(['0 GET /', '0 null to GET / [lost 501]'])
})

test('the one number of a FIN is no lost byte', () => {
  const run = client()
  run.send('client', get('/'))
  run.receive('client', 'HTTP/1.1 200 OK\r\n\r\nabc')
  run.closed('client', get('/').length + 1, 'HTTP/1.1 200 OK\r\n\r\nabc'.length + 1)
  run.pass()
  expect(run.messages.map(inBrief)).toEqual(['0 GET /', '0 200 to GET / abc'])
})

test('data read after the close belongs to the message', () => {
  const run = client()
  run.send('client', 'GET / HTTP/1.0\r\n\r\n')
  run.receive('client', 'HTTP/1.0 200 OK\r\n\r\nabc')
  run.closed('client')
  run.watermark(run.time + limits.lingerMicros / 2)
  run.restart()
  run.receive('client', 'def')
  run.pass()
  expect(run.messages.map(inBrief)).toEqual(['0 GET /', '0 200 to GET / abcdef'])
  expect(run.state.size).toBe(0)
})

test('what is decoded of a body cut off is shown', () => {
  const body = gzipSync('hello '.repeat(500))
  const run = client()
  run.send('client', get('/'))
  const head = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`)
  run.receive('client', Buffer.concat([head, body.subarray(0, -10)]), { length: head.length + body.length })
  end(run)
  expect(run.messages[1]).toMatchObject({ complete: false, missingBytes: 10, bodyError: null })
  expect(bodyOf(run.messages[1] as HttpMessage)).toMatch(/^(hello )+/)
})

test('of a coded body with a hole what is before the hole is shown', () => {
  const text = Array.from({ length: 3000 }, (_, index) => `${(index * 7919) % 104_729}`).join(' ')
  const body = gzipSync(text)
  const half = body.length >> 1
  const run = client()
  run.send('client', get('/'))
  run.receive('client', `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`)
  run.receive('client', body.subarray(0, half), { length: half + 100, missing: 'fault' })
  run.receive('client', body.subarray(half + 100))
  end(run)
  const [, message] = run.messages
  expect(message).toMatchObject({ complete: false, missingBytes: 100, missingReason: 'lost', bodyError: null })
  const decoded = bodyOf(message as HttpMessage)
  expect(decoded.length).toBeGreaterThan(1000)
  expect(text.startsWith(decoded)).toBe(true)
})

test('capture ends: what is unfinished is given out as lost; when it starts again the numbers go on', () => {
  const run = client()
  run.send('client', get('/0'))
  run.receive('client', ok('0'))
  run.send('client', get('/1'))
  run.receive('client', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab')
  run.watermark(run.time + 1000, true)
  expect(run.messages.map(inBrief).at(-1)).toBe('1 200 to GET /1 ab [lost 3]')
  run.restart()
  run.receive('client', 'cde')
  run.send('client', get('/2'))
  run.receive('client', ok('2'))
  expect(run.messages.map(inBrief).slice(4)).toEqual([
    '2 GET /2',
    '3 null to null null cde [joined_late 0]',
    '2 200 to GET /2 2',
  ])
})

test('a connection whose end was lost is forgotten in the end, and what was unfinished given out', () => {
  const run = client()
  run.send('client', get('/0'))
  run.receive('client', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab')
  run.watermark(run.time + limits.idleMicros - 1_000_000)
  expect(run.messages).toHaveLength(1)
  run.restart()
  run.watermark(run.time + limits.idleMicros + 1_000_000)
  expect(run.messages.map(inBrief)).toEqual(['0 GET /0', '0 200 to GET /0 ab [lost 3]'])
  expect(run.state.size).toBe(0)
})

test('any loss: what is called complete is so, nothing is counted twice, lengths add up', () => {
  fc.assert(
    fc.property(
      conversations({ decoys: false, last: false, heads: false }),
      places,
      fc.infiniteStream(fc.nat(9)),
      ({ turns, requests, responses }, at, dice) => {
        const run = client()
        const next = { '>': 0, '<': 0 }
        const captured: Buffer[] = []
        for (const [way, text] of cut(turns, at)) {
          const bytes = text as Buffer
          const position = next[way]
          next[way] += bytes.length
          const fate = dice.next().value as number
          if (fate === 0) continue
          const kept = fate === 1 ? bytes.subarray(0, bytes.length >> 1) : bytes
          captured.push(kept)
          run.io('client', way === '>' ? 'send' : 'recv', kept, { position, length: bytes.length })
        }
        run.closed('client', next['>'], next['<'])
        run.pass()
        const wholes = { request: requests, response: responses }
        for (const message of run.messages) {
          expect(message.raw.length + message.missingBytes).toBe(message.length)
          if (message.complete) expect(wholes[message.kind].some((whole) => whole.equals(message.raw))).toBe(true)
        }
        const bytes = run.messages.reduce((sum, { raw }) => sum + raw.length, 0)
        expect(bytes).toBeLessThanOrEqual(captured.reduce((sum, { length }) => sum + length, 0))
        for (const kind of ['request', 'response'] as const) {
          const ordinals = run.messages.filter((message) => message.kind === kind).map(({ ordinal }) => ordinal)
          expect(ordinals).toEqual(ordinals.map((_, index) => index))
        }
        const finals = run.messages.filter(({ kind, status }) => kind === 'response' && (status ?? 200) >= 200)
        expect(new Set(finals.map(({ exchange }) => exchange)).size).toBe(finals.length)
      },
    ),
    { numRuns: 500 },
  )
})

test.each([
  ['said by the records', (run: Run) => run],
  ['seen as holes', holes],
  ['just before', holes],
  ['alone', holes],
])('however many exchanges are lost one after another, those after them are found and paired: %s', (how, lossOf) => {
  const run = client()
  const lose = lossOf(run)
  run.send('client', get('/before'))
  run.receive('client', ok('before'))
  const lost = 3 * limits.searchTurns
  const tail = 'the end of a body'
  for (let n = 0; n < lost; n++) {
    lose.send('client', '', { length: 1000, missing: 'lost' })
    lose.receive('client', '', { length: 1000, missing: 'lost' })
    if (how === 'alone') continue
    run.send('client', tail)
    run.receive('client', tail)
  }
  if (how !== 'just before') run.pass(2_000_000)
  const after = ['POST /after/0', 'POST /after/1', 'POST /after/2']
  for (const line of after) {
    run.send('client', `${line} HTTP/1.1\r\nHost: a\r\n\r\n`)
    run.receive('client', ok(`to ${line}`))
  }
  const found = end(run)
  expect(found.slice(0, 2)).toEqual(['0 GET /before', '0 200 to GET /before before'])
  expect(found.filter((text) => text.includes('/after')).map((text) => text.replace(/^\d+/, 'n'))).toEqual(
    after.flatMap((line) => [`n ${line}`, `n 200 to ${line} to ${line}`]),
  )
  const bytes = run.messages.reduce((sum, { length }) => sum + length, 0)
  const whole = [get('/before'), ok('before')].concat(
    after.flatMap((line) => [`${line} HTTP/1.1\r\nHost: a\r\n\r\n`, ok(`to ${line}`)]),
  )
  expect(bytes).toBe(whole.join('').length + lost * 2 * (1000 + (how === 'alone' ? 0 : tail.length)))
})

/** Losses of which no record tells: the next record is further on. */
function holes(run: Run): Pick<Run, 'send' | 'receive'> {
  return {
    send: (side, _, { length = 0 } = {}) => run.skip(side, 'send', length),
    receive: (side, _, { length = 0 } = {}) => run.skip(side, 'recv', length),
  }
}

test('pairs stay right where both directions lose pieces again and again', () => {
  const run = client()
  for (let n = 0; n < 200; n++) {
    // More pieces of requests than of responses, so that the one is full before the other.
    if (n % 7 < 3) {
      run.skip('client', 'send', 500)
      run.send('client', 'the end of a body')
      run.skip('client', 'recv', 500)
      run.receive('client', 'the end')
      run.receive('client', ' of a body')
    } else {
      run.send('client', get(`/${n}`))
      run.receive('client', ok(`to /${n}`))
    }
  }
  const answers = end(run).filter((text) => / 200 to /.test(text))
  expect(answers.map((text) => text.replace(/^\d+ 200 to (GET \/)?(\d+|null null).* to \/(\d+)$/, '$2 $3'))).toEqual(
    Array.from({ length: 200 }, (_, n) => n)
      .filter((n) => n % 7 >= 3)
      .map((n) => `${n} ${n}`),
  )
})
