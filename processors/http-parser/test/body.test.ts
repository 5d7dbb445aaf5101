import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import type { HttpMessage } from '@syscribe/schemas'
import { expect, test } from 'vitest'
import { limits } from '../src/index.js'
import { converse } from './converse.js'
import { bodyOf } from './run.js'

const text = 'the body '.repeat(40)
const get = 'GET / HTTP/1.1\r\n\r\n'

function answer(fields: string, body: Buffer): HttpMessage {
  const head = Buffer.from(`HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n`)
  return converse([
    ['>', get],
    ['<', Buffer.concat([head, body])],
  ])[1] as HttpMessage
}

test.each([
  ['gzip', gzipSync(text)],
  ['x-gzip', gzipSync(text)],
  ['GZIP', gzipSync(text)],
  ['deflate', deflateSync(text)],
  ['deflate', deflateRawSync(text)],
  ['br', brotliCompressSync(text)],
  ['identity', Buffer.from(text)],
  ['gzip, br', brotliCompressSync(gzipSync(text))],
  ['gzip', Buffer.concat([gzipSync(text.slice(0, 100)), gzipSync(text.slice(100))])],
])('Content-Encoding: %s is removed', (coding, body) => {
  const message = answer(`Content-Encoding: ${coding}\r\n`, body)
  expect(message.bodyError).toBeNull()
  expect(bodyOf(message)).toBe(text)
  expect(message.raw.subarray(message.bodyStart)).toEqual(body)
})

test('codings in two fields are removed last first', () => {
  const message = answer('Content-Encoding: gzip\r\nContent-Encoding: br\r\n', brotliCompressSync(gzipSync(text)))
  expect(bodyOf(message)).toBe(text)
})

test('gzip as a transfer coding', () => {
  const body = gzipSync(text)
  const bytes = Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n${body.length.toString(16)}\r\n`),
    body,
    Buffer.from('\r\n0\r\n\r\n'),
  ])
  expect(
    bodyOf(
      converse([
        ['>', get],
        ['<', bytes],
      ])[1] as HttpMessage,
    ),
  ).toBe(text)
})

test.each([
  ['zstd', Buffer.from(text), 'zstd: content coding not supported'],
  ['gzip', Buffer.from(text), 'gzip: incorrect header check'],
  ['gzip', gzipSync(text).subarray(0, -8), 'gzip: unexpected end of file'],
  ['br', Buffer.from(text), 'br: Decompression failed'],
])('%s that cannot be removed: the body as it was, and why', (coding, body, error) => {
  const message = answer(`Content-Encoding: ${coding}\r\n`, body)
  expect(message).toMatchObject({ complete: true, bodyError: error, body: null })
  expect(message.raw.subarray(message.bodyStart)).toEqual(body)
})

test('a bomb is not set off', () => {
  const message = answer('Content-Encoding: gzip\r\n', gzipSync(Buffer.alloc(limits.decodedBodyBytes + 1)))
  expect(message.bodyError).toBe(`gzip: decoded body is larger than ${limits.decodedBodyBytes} bytes`)
  expect(answer('Content-Encoding: gzip\r\n', gzipSync(Buffer.alloc(1 << 20))).body).toHaveLength(1 << 20)
})

test('an empty body needs no decoding', () => {
  expect(answer('Content-Encoding: gzip\r\n', Buffer.alloc(0))).toMatchObject({ body: null, bodyError: null })
})

test('trailers are kept apart from headers', () => {
  const chunks = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 1\r\nX-Wide: \xe4\r\n\r\n'
  const message = converse([
    ['>', get],
    ['<', chunks],
  ])[1] as HttpMessage
  expect(message).toMatchObject({
    headers: [{ name: 'Transfer-Encoding', value: 'chunked' }],
    trailers: [
      { name: 'X-Sum', value: '1' },
      { name: 'X-Wide', value: 'ä' },
    ],
    length: chunks.length,
  })
  expect(bodyOf(message)).toBe('ab')
})

test('field values: folds, UTF-8, ISO 8859-1, empty', () => {
  const head = Buffer.concat([
    Buffer.from('GET / HTTP/1.1\r\nFold: a\r\n\t b \r\n  c\r\nUtf8: zürich\r\nLatin: z'),
    Buffer.from([0xfc]),
    Buffer.from('rich\r\nEmpty:  \r\nBlank:\r\n \r\nAfter: x\r\n\r\n'),
  ])
  expect(converse([['>', head]])[0]?.headers).toEqual([
    { name: 'Fold', value: 'a  \t b     c' },
    { name: 'Utf8', value: 'zürich' },
    { name: 'Latin', value: 'zürich' },
    { name: 'Empty', value: '' },
    { name: 'Blank', value: '' },
    { name: 'After', value: 'x' },
  ])
})

test('a large body in many chunks', () => {
  const chunks = Array.from({ length: 3000 }, (_, index) => `${(index % 50) + 1}`)
  const body = chunks.map((size) => 'x'.repeat(Number(size)))
  const bytes = body.map((data) => `${data.length.toString(16)}\r\n${data}\r\n`).join('')
  const message = converse([
    ['>', get],
    ['<', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${bytes}0\r\n\r\n`],
  ])[1]
  expect(bodyOf(message as HttpMessage)).toBe(body.join(''))
})
