import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readCorpus } from '../tools/corpus.js'
import { mutate, random } from '../tools/mutate.js'
import { conversations } from './conversations.js'
import { type Comparison, compare } from './llhttp.js'

/**
 * What llhttp, as Node configures it, refuses and we read. An observer does not decide what is let through: when the
 * two ends understood each other, it should too.
 */
const lenient: [why: string, errors: RegExp][] = [
  ['any token is a method (RFC 9110 section 9.1)', /^Invalid method encountered|^Expected space after method/],
  ['a target is written down, not judged; clients send raw octets', /in url|^Unexpected start char/],
  [
    'a line may end with LF alone (RFC 9112 section 2.2)',
    /^Expected CRLF after version|^Missing expected CR|^Invalid response status|^Invalid header field char/,
  ],
  [
    'an obs-fold stands for a space (section 5.2)',
    /^Unexpected whitespace after header value|^Invalid header value char/,
  ],
  ['white space before the colon of a response is removed (section 5.1)', /^Invalid header token/],
  ['Transfer-Encoding wins over Content-Length (section 6.3)', /can't be present with/],
  [
    'the same Content-Length again is one (RFC 9110 section 8.6)',
    /^Duplicate Content-Length|^Content-Length already present/,
  ],
  [
    'Content-Length is not looked at beside Transfer-Encoding',
    /^Invalid character in Content-Length|^Empty Content-Length|^Content-Length overflow/,
  ],
  ['chunk extensions are passed over, padding of sizes too', /^Invalid character in chunk/],
  ['a later minor version is 1.1 to us (RFC 9110 section 2.5)', /^Invalid minor version|^Invalid HTTP version/],
  ['data after Connection: close passed all the same', /^Data after/],
]

const corpus = readCorpus(new URL('../fixtures/', import.meta.url))
const headsOf = (name: string) => Array.from({ length: 5 }, (_, index) => name === 'head-and-get' && index === 0)

/** What is wrong with a comparison; null when nothing is. */
function verdict({ ours, theirs, error }: Comparison): string | null {
  if (!isDeepStrictEqual(ours.slice(0, theirs.length), theirs)) return 'other messages'
  if (ours.length === theirs.length || error === 'upgrade') return null
  if (error === null) return 'more messages than llhttp'
  return lenient.some(([, errors]) => errors.test(error)) ? null : `read what llhttp refuses: ${error}`
}

test.each(corpus)('corpus: $name', ({ name, sent, received }) => {
  expect(verdict(compare('request', sent))).toBeNull()
  expect(verdict(compare('response', received, headsOf(name)))).toBeNull()
})

test('conversations as they should be: the same messages', () => {
  fc.assert(
    fc.property(conversations({ last: false }), ({ requests, responses }) => {
      const request = compare('request', Buffer.concat(requests))
      expect(verdict(request)).toBeNull()
      // Folded fields are all that llhttp refuses here.
      expect([null, 'Unexpected whitespace after header value']).toContain(request.error)
      expect(request.ours).toHaveLength(requests.length)
      const heads = requests.map((each) => each.subarray(0, 4).toString() === 'HEAD')
      const response = compare('response', Buffer.concat(responses), heads)
      expect(verdict(response)).toBeNull()
      expect(response.ours).toHaveLength(responses.length)
    }),
    { numRuns: 200 },
  )
})

test.each(['request', 'response'] as const)('mutated streams: the same %ss, but for what is listed', (kind) => {
  const next = random(2026)
  const streams = corpus.map(({ sent, received }) => (kind === 'request' ? sent : received))
  const wrong: string[] = []
  let more = 0
  for (let count = 0; count < 5000; count++) {
    const index = count % corpus.length
    const stream = mutate(streams[index] as Buffer, streams, next)
    const compared = compare(kind, stream, headsOf(corpus[index]?.name ?? ''))
    if (compared.ours.length > compared.theirs.length) more++
    const found = verdict(compared)
    if (found !== null) wrong.push(`${found}: ${JSON.stringify(stream.toString('latin1'))} ${JSON.stringify(compared)}`)
  }
  expect(wrong.slice(0, 3)).toEqual([])
  expect(more).toBeLessThan(2000)
})
