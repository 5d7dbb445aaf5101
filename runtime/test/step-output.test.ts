import { expect, test } from 'vitest'
import { StepOutput } from '../src/step-output.js'
import { testLog } from './test-log.js'
import { answer } from './test-parts.js'

const key = Buffer.from('k')

async function output() {
  return StepOutput.open(
    await testLog('memory'),
    { name: 'p', streams: [], outputs: [{ topic: 'names', partition: 'input' }] },
    0,
  )
}

test('a failed step leaves nothing behind, however much it emitted', async () => {
  const out = await output()
  out.emit('names', 'NameAnswer', answer(1, 'kept'), key, 1)
  out.keep()
  const big = 'x'.repeat(1024 * 1024)
  for (let index = 0; index < 9; index++) out.emit('names', 'NameAnswer', answer(2, big), key, 2)
  out.discard()
  out.emit('names', 'NameAnswer', answer(3, 'kept too'), key, 3)
  out.keep()
  const records = out.take().flatMap(({ batch }) => [...batch])
  expect(records.map(({ timestamp }) => timestamp)).toEqual([1, 3])
  expect(records.map(({ value }) => value?.includes('kept'))).toEqual([true, true])
})

test('a step that emits much fills several batches, each within the limit of every engine', async () => {
  const out = await output()
  const big = 'x'.repeat(1024 * 1024)
  for (let index = 0; index < 20; index++) out.emit('names', 'NameAnswer', answer(index, big), key, index)
  out.keep()
  expect(out.records).toBe(20)
  expect(out.waitingBytes).toBeGreaterThan(20 * 1024 * 1024)
  const batches = out.take().map(({ batch }) => batch)
  expect(Math.max(...batches.map(({ byteLength }) => byteLength))).toBeLessThan(15 * 1024 * 1024)
  expect(batches.flatMap((batch) => [...batch].map(({ timestamp }) => timestamp))).toEqual(
    Array.from({ length: 20 }, (_, index) => index),
  )
})

test('a record too large for any engine is left out; what else was emitted stays', async () => {
  const out = await output()
  const large = answer(9, 'x'.repeat(13 * 1024 * 1024))
  out.emit('names', 'NameAnswer', answer(1, 'before'), key, 1)
  out.keep()
  out.emit('names', 'NameAnswer', answer(2, 'small'), key, 2)
  out.emit('names', 'NameAnswer', large, key, 9)
  out.emit('names', 'NameAnswer', answer(3, 'small'), key, 3)
  expect(out.refused).toEqual([expect.objectContaining({ code: 'record_too_large' })])
  const times = () => out.take().flatMap(({ batch }) => [...batch].map(({ timestamp }) => timestamp))
  out.keep()
  expect(out.records).toBe(3)
  expect(times()).toEqual([1, 2, 3])

  // A step that fails after it is taken back as a whole, and no more than that.
  out.emit('names', 'NameAnswer', answer(4, 'before'), key, 4)
  out.keep()
  out.emit('names', 'NameAnswer', answer(5, 'small'), key, 5)
  out.emit('names', 'NameAnswer', large, key, 9)
  out.discard()
  expect(times()).toEqual([4])
})

test('what is not declared or does not fit the schema is refused', async () => {
  const out = await output()
  expect(() => out.emit('http', 'Watermark', {} as never, key, 1)).toThrowError(/http, which is not among its outputs/)
  expect(() => out.emit('names', 'NameAnswer', { time: 1 } as never, key, 1)).toThrowError(
    expect.objectContaining({ code: 'record_invalid' }),
  )
  out.discard()
  expect(out.take()).toEqual([])
})
