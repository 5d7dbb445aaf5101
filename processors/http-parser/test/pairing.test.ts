import type { HttpMessage } from '@syscribe/schemas'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { limits } from '../src/index.js'
import { inBrief } from './converse.js'
import {
  exchangesIn,
  type Fate,
  type LossyConversation,
  lossyConversations,
  play,
  provable,
} from './lossy-conversations.js'
import { bodyOf, Run } from './run.js'

/**
 * Plays a conversation as the client has it: `>a` a request for /a, `<a` its response, `<+a` an informational one. With
 * `-` before it, it is lost without a word; with `~`, a record says that it is. `..` lets two seconds pass, `>ab` is two
 * requests in one record. At the end the connection is closed.
 * @returns the responses, and what was lost of them, each with the request it is said to answer.
 */
function told(script: string, restarts = false): string {
  const run = new Run()
  run.opened('client')
  for (const word of script.split(' ')) {
    if (word === '..') {
      run.pass(2_000_000)
      continue
    }
    const [, loss, way, early, names] = /^([-~]?)([<>])(\+?)(\w+)$/.exec(word) as RegExpExecArray
    const direction = way === '>' ? 'send' : 'recv'
    const bytes = [...(names as string)].map((name) => messageOf(way as string, early === '+', name)).join('')
    if (loss === '-') {
      run.time += 10
      run.skip('client', direction, bytes.length)
    } else if (loss === '~') run.io('client', direction, '', { length: bytes.length, missing: 'lost' })
    else run.io('client', direction, bytes)
    if (restarts) run.restart()
  }
  run.closed('client')
  run.pass()
  return run.messages
    .filter(({ kind }) => kind === 'response')
    .map((message) => {
      const what = message.status === null ? 'lost' : message.status === 103 ? `+${bodyOf(message)}` : bodyOf(message)
      return `${what}:${message.url?.slice(1) ?? '?'}`
    })
    .join(' ')
}

function messageOf(way: string, early: boolean, name: string): string {
  if (way === '>') return `GET /${name} HTTP/1.1\r\nHost: a\r\n\r\n`
  return early ? 'HTTP/1.1 103 Early Hints\r\n\r\n' : `HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${name}`
}

test.each([
  ['nothing is lost', '>a <a >b <b', 'a:a b:b'],

  // Only responses.
  ['a response, and what is sent next shows that no request was', '>a -<a >b <b >c <c', 'lost:a b:b c:c'],
  ['a response, and the close shows it', '>a -<a >b <b', 'lost:a b:b'],
  ['several responses one by one', '>a <a >b -<b >c <c >d -<d >e <e >f <f', 'a:a lost:b c:c lost:d e:e f:f'],
  ['several in a row', '>a -<a >b -<b >c <c >d <d', 'lost:? c:c d:d'],
  ['a response, and nothing is sent for long', '>a -<a >b <b .. >c <c', 'lost:? b:? c:c'],
  ['a response, as a record says', '>a ~<a >b <b .. >c <c', 'lost:a b:b c:c'],
  ['bytes after the request, as a record says', '>a ~<+a <a >b <b', 'lost:? a:a b:b'],
  ['likewise, and nothing is sent for long', '>a ~<+a <a .. >b <b', 'lost:? a:? b:b'],
  ['an informational response', '>a -<+a <a >b <b', 'lost:? a:a b:b'],
  ['what is before an informational response', '>a -<a >b <+b <b >c <c', 'lost:a +:b b:b c:c'],
  ['the last response', '>a <a >b -<b', 'a:a lost:b'],
  ['the last two', '>a -<a >b -<b', 'lost:?'],

  // Only requests.
  ['a request', '>a <a ->b <b >c <c', 'a:a b:? c:c'],
  ['a request, as a record says', '>a <a ~>b <b >c <c', 'a:a b:? c:c'],
  ['several requests', '>a <a ->b <b ->c <c >d <d', 'a:a b:? c:? d:d'],
  ['the last request', '>a <a ->b <b', 'a:a b:?'],

  // Both.
  ['a response and the next request', '>a -<a ->b <b >c <c', 'lost:? b:? c:c'],
  ['likewise, and nothing is sent for long', '>a -<a ->b <b .. >c <c', 'lost:? b:? c:c'],
  ['likewise, as records say', '>a ~<a ~>b <b >c <c', 'lost:? b:? c:c'],
  ['an exchange before a request', '>a <a ->b -<b >c <c >d <d', 'a:a lost:? c:c d:d'],
  ['whole exchanges', '>a -<a ->b -<b ->c -<c ->d <d .. >e <e', 'lost:? d:? e:e'],
  ['whole exchanges, also behind', '>a -<a ->b <b ->c -<c >d <d >e <e', 'lost:? b:? lost:? d:d e:e'],
  ['a response, and a request that may be before the response seen', '>a -<a >b <b ->c >d <d', 'lost:? b:? d:d'],
  ['a response, and a request that a record says is behind it', '>a -<a >b <b ~>c >d <d', 'lost:a b:b d:d'],
  ['a response, and at the close a request', '>a -<a >b <b ->c', 'lost:? b:?'],

  ['requests in two ways, and one is still held', '>a ~>b ~<a ->c >d <d', 'lost:? d:d'],

  // A client that does not wait for the responses.
  ['pipelined, nothing', '>ab <a <b >cd <c <d', 'a:a b:b c:c d:d'],
  ['pipelined, a response', '>ab <a <b >cde -<c <d <e >f <f', 'a:a b:b lost:? d:? e:? f:?'],
  ['pipelined, an informational response', '>ab <a <b >c -<+c <c >d <d', 'a:a b:b lost:? c:c d:d'],
  ['pipelined, a request', '>ab <a <b >c ->d >e <c <d <e', 'a:a b:b c:c d:? e:?'],
  ['pipelining seen by one record', '>abc -<a <b <c', 'lost:? b:? c:?'],
  ['pipelining seen by what was answered', '>a >b >c <a <b <c >d >e -<d <e', 'a:a b:b c:c lost:? e:?'],
])('lost: %s', (_, script, expected) => {
  expect(told(script)).toBe(expected)
  expect(told(script, true)).toBe(expected)
})

test('a response that begins while a head is being read waits for that', () => {
  const run = new Run()
  run.opened('client')
  run.send('client', messageOf('>', false, 'a'))
  run.receive('client', '', { length: 50, missing: 'lost' })
  run.send('client', messageOf('>', false, 'b').slice(0, 20))
  run.receive('client', messageOf('<', false, 'b'))
  run.send('client', messageOf('>', false, 'b').slice(20))
  expect(run.messages.filter(({ status }) => status === 200).map(({ url }) => url)).toEqual(['/b'])
})

test('a head lost of a response that was not waited for: the next one waits for its request', () => {
  const run = new Run()
  run.opened('client')
  run.skip('client', 'send', 50)
  run.receive('client', 'HTTP/1.1 2', { length: 50, missing: 'lost' })
  run.pass(2_000_000)
  run.send('client', messageOf('>', false, 'b'))
  run.receive('client', messageOf('<', false, 'b'))
  run.pass(2_000_000)
  expect(run.messages.filter(({ status }) => status === 200).map(({ url }) => url)).toEqual(['/b'])
})

test('a client that pipelined long ago is taken for one that does not', () => {
  const since = Array.from({ length: limits.pipeliningMemory }, () => '>x <x').join(' ')
  expect(told(`>ab <a <b ${since} >c -<c >d <d`)).toMatch(/lost:c d:d$/)
})

const some: readonly Fate[] = ['kept', 'kept', 'kept', 'kept', 'hole', 'told']
const many: readonly Fate[] = ['kept', 'hole', 'hole', 'told']
const holes: readonly Fate[] = ['kept', 'kept', 'hole']

/** What is wrong with the pairs that are claimed. */
function wrongPairs(messages: readonly HttpMessage[]): string[] {
  const wrong: string[] = []
  const asked = new Map<number, number[]>()
  for (const message of messages) {
    if (message.kind === 'request' && message.url !== null) asked.set(message.exchange, exchangesIn(message.url))
  }
  for (const { kind, exchange, url, status, headers, raw } of messages) {
    if (kind === 'request') continue
    // With a start line the head says whose it is, as far as it was seen; without, every byte does.
    const seen = exchangesIn(status === null ? raw : headers.map(({ value }) => value).join())
    for (const named of [url === null ? undefined : exchangesIn(url), asked.get(exchange)]) {
      if (named !== undefined && seen.some((n) => n !== named[0])) {
        wrong.push(`a response to ${seen} is said to answer ${named}`)
      }
    }
  }
  return wrong
}

function claimed(messages: readonly HttpMessage[]): number[] {
  return messages
    .filter(({ kind, status, url }) => kind === 'response' && status === 200 && url !== null)
    .flatMap(({ url }) => exchangesIn(url as string))
}

const inOneLine = ({ side, moves, pause }: LossyConversation) =>
  `${side}: ${moves.map((m) => `${m.pause > 0 ? `(${m.pause}) ` : ''}${m.way === 'ask' ? '>' : '<'}${m.of}${m.fate === 'kept' ? '' : ` ${m.fate}`}`).join(', ')} (${pause})\n${play({ side, moves, pause }).messages.map(inBrief).join('\n')}`

test.each([
  ['some records lost', some],
  ['many lost', many],
  ['holes only', holes],
])('no response is given to a request it may not answer, and none withheld that is proven: %s', (_, fates) => {
  fc.assert(
    fc.property(lossyConversations(1, fates), (conversation) => {
      const { messages } = play(conversation)
      const wrong = wrongPairs(messages)
      if (wrong.length > 0) throw new Error(`${wrong}: ${inOneLine(conversation)}`)
      const found = claimed(messages)
      const withheld = provable(conversation).filter((n) => !found.includes(n))
      if (withheld.length > 0) throw new Error(`${withheld} withheld: ${inOneLine(conversation)}`)
    }),
    { numRuns: 300, seed: 2026 },
  )
})

test.each([
  ['some records lost', some],
  ['holes only', holes],
])('a client that pipelines: no response is given to a request it may not answer: %s', (_, fates) => {
  fc.assert(
    fc.property(lossyConversations(4, fates), (conversation) => {
      const wrong = wrongPairs(play(conversation).messages)
      if (wrong.length > 0) throw new Error(`${wrong}: ${inOneLine(conversation)}`)
    }),
    { numRuns: 150, seed: 2026 },
  )
})

test('the state written and read back after every record gives the same pairs', () => {
  fc.assert(
    fc.property(lossyConversations(1, some), (conversation) => {
      expect(play(conversation, true).messages).toEqual(play(conversation).messages)
    }),
    { numRuns: 50, seed: 2026 },
  )
})
