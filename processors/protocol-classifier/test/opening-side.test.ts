import { expect, test } from 'vitest'
import { openSide, takePiece } from '../src/opening-side.js'
import { openingLimit } from '../src/protocols/protocol.js'

const text = (value: string): Buffer => Buffer.from(value)

test('pieces join in the order of their positions', () => {
  const side = openSide(0)
  takePiece(side, 0, 3, text('abc'), 'none')
  takePiece(side, 3, 2, text('de'), 'none')
  expect(side).toEqual({ bytes: text('abcde'), fromStart: true, next: 5, cut: false, unseen: 'none' })
})

test('a piece seen already is passed over', () => {
  const side = openSide(0)
  takePiece(side, 0, 3, text('abc'), 'none')
  takePiece(side, 0, 3, text('abc'), 'none')
  expect(side).toMatchObject({ bytes: text('abc'), next: 3 })
})

test('behind a hole the bytes begin anew', () => {
  const side = openSide(0)
  takePiece(side, 0, 3, text('abc'), 'none')
  takePiece(side, 10, 3, text('xyz'), 'none')
  expect(side).toMatchObject({ bytes: text('xyz'), fromStart: false, next: 13, unseen: 'lost' })
})

test('bytes cut short do not grow; those of which nothing was seen begin anew', () => {
  const cut = openSide(0)
  takePiece(cut, 0, 100, text('abc'), 'cap')
  takePiece(cut, 100, 3, text('xyz'), 'none')
  expect(cut).toMatchObject({ bytes: text('abc'), fromStart: true, cut: true, unseen: 'cap' })
  const unseen = openSide(0)
  takePiece(unseen, 0, 100, text(''), 'io_uring')
  takePiece(unseen, 100, 3, text('xyz'), 'none')
  expect(unseen).toMatchObject({ bytes: text('xyz'), fromStart: false, cut: false, unseen: 'io_uring' })
})

test('no more is kept than the limit', () => {
  const side = openSide(-1)
  for (let i = 0; i < 3; i++) takePiece(side, i * 3000, 3000, Buffer.alloc(3000, 97), 'none')
  expect(side.bytes).toHaveLength(openingLimit)
  expect(side).toMatchObject({ fromStart: false, next: 9000 })
})
