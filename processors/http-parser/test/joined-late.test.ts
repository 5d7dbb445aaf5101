import { expect, test } from 'vitest'
import { limits } from '../src/index.js'
import { converse, inBrief, type Turn } from './converse.js'
import { Run } from './run.js'

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

const cases: Record<string, [turns: Turn[], lines: string[]]> = {
  'between two exchanges': [
    [
      ['>', get('/a')],
      ['<', ok('a')],
      ['>', get('/b')],
      ['<', ok('b')],
    ],
    ['0 GET /a', '0 200 to GET /a a', '1 GET /b', '1 200 to GET /b b'],
  ],
  'after a request, before its response': [
    [
      ['<', ok('x')],
      ['>', get('/b')],
      ['<', ok('b')],
    ],
    ['0 200 to null null x', '1 GET /b', '1 200 to GET /b b'],
  ],
  'in the middle of a response': [
    [
      ['<', 'rest of it'],
      ['>', get('/b')],
      ['<', ok('b')],
    ],
    ['0 GET /b', '1 null to null null rest of it [joined_late 0]', '0 200 to GET /b b'],
  ],
  'in the middle of a request': [
    [
      ['>', '"rest":1}'],
      ['<', ok('x')],
      ['>', get('/b')],
      ['<', ok('b')],
    ],
    ['0 200 to null null x', '0 null null "rest":1} [joined_late 0]', '1 GET /b', '1 200 to GET /b b'],
  ],
  'the rest of a body right before a request line': [
    [['>', 'a=1&b=xyz' + get('/b')]],
    ['0 null null a=1&b=xyz [joined_late 0]', '1 GET /b'],
  ],
  'the rest of a body right before a status line': [
    [
      ['>', get('/b')],
      ['<', 'xyz' + ok('b')],
    ],
    ['0 GET /b', '1 null to null null xyz [joined_late 0]', '0 200 to GET /b b'],
  ],
  'in the middle of a method': [
    [['>', 'OST /x HTTP/1.1\r\n\r\n' + get('/b')]],
    ['0 null null OST /x HTTP/1.1\r\n\r\n [joined_late 0]', '1 GET /b'],
  ],
  'nothing that is HTTP': [
    [
      ['>', 'Q\0\0\0\x0cselect 1'],
      ['<', 'T\0\0\0'],
    ],
    [],
  ],
}

for (const [name, [turns, lines]] of Object.entries(cases)) {
  test(`joined ${name}`, () => {
    expect(converse(turns, true).map(inBrief)).toEqual(lines)
  })
  test(`joined ${name}, octet by octet`, () => {
    const octets = turns.flatMap(([way, bytes]) =>
      [...Buffer.from(bytes as string, 'latin1')].map((octet): Turn => [way, Buffer.from([octet])]),
    )
    expect(converse(octets, true).map(inBrief)).toEqual(lines)
  })
}

test('the role need not be known: what is said tells', () => {
  const run = new Run(true)
  run.receive('server', get('/a'), { role: 'unknown', position: 500 })
  run.send('server', ok('a'), { role: 'unknown', position: 900 })
  run.receive('server', get('/b'), { role: 'unknown' })
  expect(run.messages.map((message) => `${message.direction} ${inBrief(message)}`)).toEqual([
    'recv 0 GET /a',
    'send 0 200 to GET /a a',
    'recv 1 GET /b',
  ])
})

test('a boundary is found far behind, in a window that stays small', () => {
  const run = new Run(true)
  run.opened('client', 0, 0)
  for (let piece = 0; piece < 64; piece++) run.receive('client', 'x'.repeat(16_000))
  expect(run.state.bytes).toBeLessThan(limits.headlessBytes + 128 * 1024)
  run.receive('client', ok('found'))
  expect(
    run.messages.map(({ length, missingBytes, missingReason, raw }) => [
      length,
      missingBytes,
      missingReason,
      raw.length,
    ]),
  ).toEqual([
    [64 * 16_000, 64 * 16_000 - limits.headlessBytes, 'joined_late', limits.headlessBytes],
    [ok('found').length, 0, null, ok('found').length],
  ])
})

test('a connection in which both sides speak and nothing is HTTP is given up', () => {
  const run = new Run(true)
  run.opened('client', 0, 0)
  for (let turn = 0; turn <= limits.searchTurns; turn++) {
    run.send('client', 'Q select 1')
    run.receive('client', 'T row')
  }
  const before = run.state.bytes
  run.send('client', get('/late'))
  expect(run.messages).toEqual([])
  expect(run.state.bytes).toBe(before)
})
