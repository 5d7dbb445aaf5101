import { expect, test } from 'vitest'
import { readCorpus } from '../tools/corpus.js'
import { fuzzStream } from '../tools/fuzz-stream.js'
import { mutate, random } from '../tools/mutate.js'

const corpus = readCorpus(new URL('../fixtures/', import.meta.url))
const all = corpus.flatMap(({ sent, received }) => [sent, received])

/** The short form of `npm run fuzz`. */
test('mutated streams, played the hard way: no exception, valid records, bounded state', () => {
  let messages = 0
  for (let stream = 0; stream < 5000; stream++) {
    const next = random(stream)
    const { sent, received } = corpus[stream % corpus.length] as (typeof corpus)[number]
    const outcome = fuzzStream(mutate(sent, all, next), mutate(received, all, next), next, true)
    messages += outcome.messages
    expect(outcome.stateBytes).toBeLessThan(64 * 1024)
  }
  expect(messages).toBeGreaterThan(5000)
})

const repeated: [what: string, unit: string][] = [
  ['status lines without heads', 'HTTP/1.1 200 \r\nbad\r\n'],
  ['request lines without heads', 'GET / HTTP/1.1\r\nbad\r\n'],
  ['ends of request lines', 'a HTTP/1.1\r\n'],
  ['status lines in values', 'A:HTTP/1.1 200 OK\r\n'],
  ['the begin of a status line', 'HTTP/1.'],
  ['one octet chunks', '1\r\na\r\n'],
  ['spaces', ' '],
  ['empty lines', '\r\n'],
  ['obs-folds', 'A: b\r\n '],
  ['tokens', 'a'],
  ['whole heads', 'HTTP/1.1 204 N\r\n\r\n'],
]

test.each(repeated)('many %s take time in proportion to their length', (_what, unit) => {
  const starts = [
    '',
    'GET / HTTP/1.1\r\n',
    'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n',
    'GET / HTTP/1.1\r\nA: ',
  ]
  for (const start of starts) {
    const stream = Buffer.from(start + unit.repeat(Math.ceil((1 << 18) / unit.length)))
    for (const [joined, pieces] of [
      [0.9, 1],
      [0.1, 1],
      [0.9, 4096],
      [0.1, 4096],
    ] as const) {
      const begun = process.cpuUsage()
      // The dice: not joined late or so, known role, in order, and then pieces of one size.
      const dice = [joined, 0.9, 0.1]
      const next = () => dice.shift() ?? (pieces === 1 ? 0.9999 : 0.4)
      fuzzStream(stream, pieces === 1 ? stream : stream.subarray(0, 65_536), next, false)
      const { user, system } = process.cpuUsage(begun)
      expect((user + system) / 1e6).toBeLessThan(2)
    }
  }
})
