import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonShape } from '../src/json-shape.js'

const shape = (text: string | Buffer): string | undefined => {
  const bytes = Buffer.concat([Buffer.from('xx'), Buffer.from(text), Buffer.from('yy')])
  return jsonShape(bytes, 2, bytes.length - 2)
}

/** The same the plain way. */
function reference(value: unknown): string {
  if (value === null) return '"null"'
  if (Array.isArray(value)) {
    const shapes = [...new Set(value.map(reference))]
    return `[${shapes.sort().join(',')}]`
  }
  if (typeof value === 'object') {
    const members = Object.keys(value)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${reference((value as Record<string, unknown>)[key])}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(typeof value)
}

function parsed(text: string): string | undefined {
  try {
    return reference(JSON.parse(text))
  } catch {
    return undefined
  }
}

test('any JSON has the shape of its value, however it is written', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5, stringUnit: 'binary' }), fc.constantFrom(undefined, 1, '\t'), (text, space) => {
      expect(shape(text)).toBe(parsed(text))
      expect(shape(JSON.stringify(JSON.parse(text), null, space))).toBe(parsed(text))
    }),
    { numRuns: 150, interruptAfterTimeLimit: 20_000 },
  )
})

const piece = fc.constantFrom(
  ...'{}[]:,"\\/ \n\t-+.0123456789eEtrufalsn\u0001é\u{1f600}',
  'true',
  'false',
  'null',
  '"a":',
  '\\u0041',
  '\\ud800',
  '"b"',
  '1e5',
  '-0',
)

test('what JSON.parse refuses has no shape, what it takes has', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.json({ maxDepth: 2 }), fc.nat(), (pieces, text, place) => {
      for (const damaged of [
        pieces.join(''),
        `[${pieces.join('')}]`,
        `{"k":${pieces.join('')}}`,
        text.slice(0, place % (text.length + 1)) + (pieces[0] ?? '') + text.slice(place % (text.length + 1)),
      ]) {
        expect([damaged, shape(damaged)]).toEqual([damaged, parsed(damaged)])
      }
    }),
    { numRuns: 800, interruptAfterTimeLimit: 20_000 },
  )
})

test('invalid UTF-8 is no JSON; a byte order mark in front is passed over', () => {
  expect(shape(Buffer.from('"\xff"', 'latin1'))).toBeUndefined()
  expect(shape('\ufeff{"é":1}')).toBe('{"é":"number"}')
})

test('of a repeated key the last one holds; keys like numbers and __proto__ are keys', () => {
  expect(shape('{"b":1,"a":1,"b":"x"}')).toBe('{"a":"number","b":"string"}')
  expect(shape('{"10":1,"9":1,"__proto__":{}}')).toBe('{"10":"number","9":"number","__proto__":{}}')
  expect(shape('{"\\u0061\\n":1}')).toBe('{"a\\n":"number"}')
})

test('nesting without end is refused, not followed', () => {
  expect(shape('['.repeat(128) + ']'.repeat(128))).toBe('['.repeat(128) + ']'.repeat(128))
  expect(shape('['.repeat(1_000_000))).toBeUndefined()
  expect(shape('{"a":'.repeat(200) + '1' + '}'.repeat(200))).toBeUndefined()
})
