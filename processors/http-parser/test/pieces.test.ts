import { isDeepStrictEqual } from 'node:util'
import type { HttpMessage } from '@syscribe/schemas'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { conversations, cut, places } from './conversations.js'
import { converse, type Turn } from './converse.js'
import { Run, type Side } from './run.js'

interface Record {
  way: '>' | '<'
  position: number
  bytes: Buffer
}

function records(turns: readonly Turn[]): Record[] {
  const next = { '>': 0, '<': 0 }
  return turns.map(([way, text]) => {
    const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text
    const position = next[way]
    next[way] += bytes.length
    return { way, position, bytes }
  })
}

function play(list: readonly Record[], side: Side = 'client', each?: (run: Run) => void): HttpMessage[] {
  const run = new Run()
  run.opened(side)
  for (const { way, position, bytes } of list) {
    run.io(side, (way === '>') === (side === 'client') ? 'send' : 'recv', bytes, { position })
    each?.(run)
  }
  run.closed(side)
  each?.(run)
  run.pass()
  expect(run.state.size).toBe(0)
  return run.messages
}

/** Quick when equal, telling when not. */
function same(one: unknown, other: unknown): void {
  if (!isDeepStrictEqual(one, other)) expect(one).toEqual(other)
}

/** Everything but when it was seen. */
function timeless(messages: readonly HttpMessage[]) {
  return messages.map(({ time, timeNanos, endTime, ...rest }) => rest)
}

/** Requests apart from responses: their order among each other may differ. */
function sorted(messages: readonly HttpMessage[]) {
  return timeless(messages).sort((one, other) => one.kind.localeCompare(other.kind) || one.ordinal - other.ordinal)
}

test('every way to cut a stream into pieces gives the same messages', () => {
  fc.assert(
    fc.property(conversations(), places, ({ turns, requests, responses }, at) => {
      const whole = timeless(converse(turns))
      const raws = (kind: string) => whole.filter((message) => message.kind === kind).map(({ raw }) => raw)
      same(raws('request').slice(0, requests.length), requests)
      same(raws('response').slice(0, responses.length), responses)
      same(timeless(converse(cut(turns, at))), whole)
      expect(whole.every(({ complete }) => complete)).toBe(true)
    }),
    { numRuns: 400 },
  )
})

test('octet by octet too', () => {
  fc.assert(
    fc.property(conversations(), ({ turns }) => {
      const octets = turns.flatMap(([way, text]) =>
        [...Buffer.from(text as string, 'latin1')].map((octet): Turn => [way, Buffer.from([octet])]),
      )
      same(timeless(converse(octets)), timeless(converse(turns)))
    }),
    { numRuns: 40 },
  )
})

test('the server sees the same messages as the client', () => {
  fc.assert(
    fc.property(conversations(), places, ({ turns }, at) => {
      const list = records(cut(turns, at))
      const brief = ({ kind, exchange, raw, method, url, headers, trailers, body }: HttpMessage) => ({
        kind,
        exchange,
        raw,
        method,
        url,
        headers,
        trailers,
        body,
      })
      same(play(list, 'server').map(brief), play(list, 'client').map(brief))
    }),
    { numRuns: 100 },
  )
})

test('duplicates and overlaps change nothing', () => {
  fc.assert(
    fc.property(conversations(), places, fc.infiniteStream(fc.nat(3)), ({ turns }, at, dice) => {
      const list = records(cut(turns, at))
      const doubled = list.flatMap((record, index) => {
        const before = list[index - 1]
        // Again the same, or the piece before together with this one.
        if (dice.next().value !== 0) return [record]
        if (before?.way !== record.way) return [record, record]
        return [{ ...before, bytes: Buffer.concat([before.bytes, record.bytes]) }, record]
      })
      same(timeless(play(doubled)), timeless(play(list)))
    }),
    { numRuns: 200 },
  )
})

test('records of one direction slightly out of order change nothing', () => {
  fc.assert(
    fc.property(conversations(), places, fc.infiniteStream(fc.nat(5)), ({ turns }, at, dice) => {
      const list = records(cut(turns, at))
      const mixed = [...list]
      for (let index = 1; index < mixed.length; index++) {
        const other = Math.max(0, index - (dice.next().value as number))
        const between = mixed.slice(other, index + 1)
        if (between.some(({ way }) => way !== mixed[index]?.way)) continue
        ;[mixed[index], mixed[other]] = [mixed[other] as Record, mixed[index] as Record]
      }
      same(sorted(play(mixed)), sorted(play(list)))
    }),
    { numRuns: 200 },
  )
})

test('a response logged before its request finds it all the same', () => {
  fc.assert(
    fc.property(conversations(), places, fc.infiniteStream(fc.boolean()), ({ turns }, at, dice) => {
      const list = records(cut(turns, at))
      const mixed = [...list]
      for (let index = 1; index < mixed.length; index++) {
        const before = mixed[index - 1] as Record
        const record = mixed[index] as Record
        if (before.way === '>' && record.way === '<' && dice.next().value) {
          mixed[index - 1] = record
          mixed[index] = before
        }
      }
      same(sorted(play(mixed)), sorted(play(list)))
    }),
    { numRuns: 200 },
  )
})

test('state written and read back after every record gives the same messages', () => {
  fc.assert(
    fc.property(conversations(), places, fc.boolean(), ({ turns }, at, reversed) => {
      const list = records(cut(turns, at))
      const order = reversed
        ? [...list.filter(({ way }) => way === '<'), ...list.filter(({ way }) => way === '>')]
        : list
      same(
        play(order, 'client', (run) => run.restart()),
        play(order),
      )
    }),
    { numRuns: 200 },
  )
})
