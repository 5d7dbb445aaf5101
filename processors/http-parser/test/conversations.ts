import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import type { Turn } from './converse.js'

/** Bytes of a body; `decoys` puts in what looks like the begin of a message. */
function bodies(decoys: boolean): fc.Arbitrary<Buffer> {
  const texts = decoys
    ? ['\r\n', 'HTTP/1.1 200 OK\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', '0\r\n\r\n', 'a']
    : ['\r\n', '{"a":1}', 'abc', ' ']
  return fc
    .array(
      fc.oneof(
        fc.constantFrom(...texts).map((text) => Buffer.from(text)),
        fc.uint8Array({ maxLength: 12 }),
      ),
      { maxLength: 6 },
    )
    .map((parts) => Buffer.concat(parts))
}

function chunked(body: Buffer, sizes: readonly number[], trailers: string): Buffer {
  const parts: Buffer[] = []
  let at = 0
  for (let index = 0; at < body.length; index++) {
    const size = Math.min(body.length - at, Math.max(1, sizes[index % sizes.length] ?? 1))
    parts.push(
      Buffer.from(`${size.toString(16)}${index % 2 ? ';x="y"' : ''}\r\n`),
      body.subarray(at, at + size),
      Buffer.from('\r\n'),
    )
    at += size
  }
  return Buffer.concat([...parts, Buffer.from(`0\r\n${trailers}\r\n`)])
}

const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 0, [constants.BROTLI_PARAM_LGWIN]: 10 } }
const codings = [
  ['', (body: Buffer) => body],
  ['Content-Encoding: gzip\r\n', (body: Buffer) => gzipSync(body)],
  ['Content-Encoding: deflate\r\n', (body: Buffer) => deflateSync(body)],
  ['Content-Encoding: deflate\r\n', (body: Buffer) => deflateRawSync(body)],
  ['Content-Encoding: br\r\n', (body: Buffer) => brotliCompressSync(body, quick)],
] as const

/** Header fields and bytes of a body in some framing; none when `body` is. */
function payload(decoys: boolean): fc.Arbitrary<{ fields: string; bytes: Buffer }> {
  const sized = fc.tuple(bodies(decoys), fc.constantFrom(...codings)).map(([body, [field, encode]]) => {
    const bytes = encode(body)
    return { fields: `Content-Length: ${bytes.length}\r\n${field}`, bytes }
  })
  const inChunks = fc
    .tuple(
      bodies(decoys),
      fc.constantFrom(...codings),
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 }),
      fc.boolean(),
    )
    .map(([body, [field, encode], sizes, trailers]) => ({
      fields: `Transfer-Encoding: chunked\r\n${field}`,
      bytes: chunked(encode(body), sizes, trailers ? 'X-Check: 1\r\nX-Other:\r\n' : ''),
    }))
  return fc.oneof(sized, inChunks)
}

const target = fc.stringMatching(/^\/[a-z0-9/?=&%-]{0,20}$/)
const moreFields = fc.constantFrom(
  '',
  'Host: a.example\r\n',
  'X-Empty:\r\nX-Fold: a\r\n  b\r\n',
  'Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Ü: ä\r\n'.replace('Ü', 'U'),
)

/** One exchange: what the client sends, and what it receives. */
function exchange(decoys: boolean, heads: boolean): fc.Arbitrary<{ ask: Buffer; answer: Buffer; early: Buffer }> {
  return fc
    .record({
      target,
      ask: fc.option(payload(decoys), { nil: null }),
      head: heads ? fc.boolean() : fc.constant(false),
      answer: payload(decoys),
      status: fc.constantFrom('200 OK', '404 Not Found', '204 No Content', '304 Not Modified'),
      interim: fc.boolean(),
      fields: moreFields,
    })
    .map(({ target, ask, head, answer, status, interim, fields }) => {
      const method = ask === null ? (head ? 'HEAD' : 'GET') : 'POST'
      const bodiless = method === 'HEAD' || status.startsWith('204') || status.startsWith('304')
      const line = `${method} ${target} HTTP/1.1\r\n${fields}${ask?.fields ?? ''}\r\n`
      return {
        ask: Buffer.concat([Buffer.from(line, 'latin1'), ask?.bytes ?? Buffer.alloc(0)]),
        early: Buffer.from(interim ? 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' : ''),
        answer: Buffer.concat([
          Buffer.from(`HTTP/1.1 ${status}\r\n${fields}${answer.fields}\r\n`, 'latin1'),
          bodiless ? Buffer.alloc(0) : answer.bytes,
        ]),
      }
    })
}

/** Ends of conversations, and the messages in them. */
const lastTurns: Turn[][] = [
  [],
  [
    ['>', 'GET /rest HTTP/1.0\r\n\r\n'],
    ['<', 'HTTP/1.0 200 OK\r\n\r\nuntil the end\r\n'],
  ],
  [
    ['>', 'GET /ws HTTP/1.1\r\nUpgrade: w\r\n\r\n'],
    ['<', 'HTTP/1.1 101 S\r\n\r\n\x81\x05hello'],
    ['>', '\x81\x00'],
  ],
  [
    ['>', 'CONNECT a:1 HTTP/1.1\r\n\r\n'],
    ['<', 'HTTP/1.1 200 C\r\n\r\n'],
    ['>', '\x16\x03GET / HTTP/1.1\r\n\r\n'],
  ],
]

export interface Conversation {
  turns: Turn[]
  /** The messages of the exchanges, in order; those of the last turns, which go on as something else, left out. */
  requests: Buffer[]
  responses: Buffer[]
}

/**
 * Conversations of a client with a server: exchanges one by one, or pipelined; with decoys in bodies, with HEAD, and
 * with last turns that end it otherwise, if wanted.
 */
export function conversations({ decoys = true, last = true, heads = true } = {}): fc.Arbitrary<Conversation> {
  const ends = last ? fc.constantFrom(...lastTurns) : fc.constant([])
  return fc
    .tuple(fc.array(exchange(decoys, heads), { minLength: 1, maxLength: 5 }), fc.boolean(), ends)
    .map(([exchanges, pipelined, end]) => {
      const asks = exchanges.map(({ ask }): Turn => ['>', ask])
      const answers = exchanges.map(({ early, answer }): Turn => ['<', Buffer.concat([early, answer])])
      const pairs = pipelined ? [...asks, ...answers] : asks.flatMap((ask, index) => [ask, answers[index] as Turn])
      return {
        turns: [...pairs, ...end],
        requests: exchanges.map(({ ask }) => ask),
        responses: exchanges.flatMap(({ early, answer }) => (early.length === 0 ? [answer] : [early, answer])),
      }
    })
}

/** Cuts every stretch at the given places (fractions of its length). */
export function cut(turns: readonly Turn[], places: readonly number[]): Turn[] {
  return turns.flatMap(([way, text]) => {
    const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text
    const ends = [...new Set(places.map((place) => Math.floor(place * bytes.length)))].sort((one, other) => one - other)
    const bounds = [0, ...ends.filter((end) => end > 0), bytes.length]
    return bounds.slice(1).map((end, index): Turn => [way, bytes.subarray(bounds[index], end)])
  })
}

export const places: fc.Arbitrary<number[]> = fc.array(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), {
  maxLength: 12,
})
