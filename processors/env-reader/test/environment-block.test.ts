import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cmdlineText } from '../src/cmdline.js'
import { readEnvironmentBlock } from '../src/environment-block.js'

const pairs = (block: string | Buffer, cut = false) =>
  readEnvironmentBlock(Buffer.from(block), cut).variables.map(({ name, value }) => `${name}|${value}`)

test('variables keep their order; the name ends at the first =', () => {
  expect(pairs('B=1\0A=x=y\0EMPTY=\0')).toEqual(['B|1', 'A|x=y', 'EMPTY|'])
})

test('of a repeated name the first counts, as for getenv', () => {
  expect(pairs('A=first\0B=2\0A=second\0')).toEqual(['A|first', 'B|2'])
})

test('empty strings are skipped, the last one needs no NUL', () => {
  expect(pairs('\0\0A=1\0\0B=2')).toEqual(['A|1', 'B|2'])
  expect(pairs('')).toEqual([])
})

test('a string without = is kept with an empty value, but not half a name at a cut', () => {
  expect(pairs('ODD\0A=1\0')).toEqual(['ODD|', 'A|1'])
  expect(pairs('A=1\0PAT', true)).toEqual(['A|1'])
  expect(pairs('A=1\0PATH=/usr/lo', true)).toEqual(['A|1', 'PATH|/usr/lo'])
  expect(pairs('ODD\0A=1\0', true)).toEqual(['ODD|', 'A|1'])
})

test('invalid UTF-8 becomes U+FFFD and is said', () => {
  const block = Buffer.concat([
    Buffer.from('A=ok\0B=x'),
    Buffer.from([0xff, 0xc3]),
    Buffer.from('y\0N'),
    Buffer.from([0x80]),
    Buffer.from('=1\0'),
  ])
  expect(readEnvironmentBlock(block, false)).toEqual({
    variables: [
      { name: 'A', value: 'ok' },
      { name: 'B', value: 'x\ufffd\ufffdy' },
      { name: 'N\ufffd', value: '1' },
    ],
    invalidUtf8: ['B', 'N\ufffd'],
  })
})

test('a byte order mark and U+FFFD itself are text like other text', () => {
  expect(readEnvironmentBlock(Buffer.from('A=\ufeffx\0B=\ufffd\0'), false)).toEqual({
    variables: [
      { name: 'A', value: '\ufeffx' },
      { name: 'B', value: '\ufffd' },
    ],
    invalidUtf8: [],
  })
})

test('every block of well-formed variables comes back', () => {
  const text = fc.string({ unit: 'binary' }).map((value) => Buffer.from(value).toString().replaceAll('\x00', ''))
  const name = text.map((value) => value.replaceAll('=', ''))
  fc.assert(
    fc.property(fc.uniqueArray(fc.record({ name, value: text }), { selector: (one) => one.name }), (variables) => {
      const block = Buffer.from(variables.map(({ name, value }) => `${name}=${value}\0`).join(''))
      expect(readEnvironmentBlock(block, false)).toEqual({ variables, invalidUtf8: [] })
    }),
  )
})

test('a command line is its arguments joined by spaces', () => {
  expect(cmdlineText(Buffer.from('/bin/app\0--port\x009080\0'))).toBe('/bin/app --port 9080')
  expect(cmdlineText(Buffer.from('nginx: worker process\0\0\0\0'))).toBe('nginx: worker process')
  expect(cmdlineText(Buffer.from([0x61, 0xff, 0]))).toBe('a\ufffd')
  expect(cmdlineText(Buffer.alloc(0))).toBe('')
})
