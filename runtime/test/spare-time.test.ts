import { expect, test } from 'vitest'
import { SpareTime } from '../src/index.js'

const ms = 1e6
const busy = { share: 0 }

test('stands back only where it had to wait, in proportion, within a bound', () => {
  const times = { ran: 0, waited: 0 }
  const spare = new SpareTime(() => ({ ...times }), busy)
  times.ran += 20 * ms
  expect(spare.pause()).toBe(0)
  times.ran += 10 * ms
  times.waited += 10 * ms
  expect(spare.pause()).toBe(120)
  times.ran += 300 * ms
  times.waited += 300 * ms
  expect(spare.pause()).toBe(2_500)
  expect(spare.pause()).toBe(0)
})

test('stands back for less the further it is behind, down to an eighth', () => {
  const times = { ran: 0, waited: 0 }
  const spare = new SpareTime(() => ({ ...times }), busy)
  const pauseOf = (behindMs: number) => {
    times.ran += 10 * ms
    times.waited += 10 * ms
    return spare.pause(behindMs)
  }
  expect([0, 10_000, 30_000, 60_000, 240_000, 86_400_000].map(pauseOf)).toEqual([120, 120, 120, 60, 15, 15])
})

test('stands back for less where processors are idle, and not at all where a quarter of their time is', () => {
  const times = { ran: 0, waited: 0 }
  const idle = { share: 0 }
  const spare = new SpareTime(() => ({ ...times }), idle)
  const pauseWith = (share: number) => {
    idle.share = share
    times.ran += 10 * ms
    times.waited += 10 * ms
    return spare.pause()
  }
  expect([0, 0.15, 0.25, 0.9].map(pauseWith)).toEqual([120, 120, 0, 0])
  expect(pauseWith(0.2)).toBeCloseTo(60)
})

test('too little to judge is judged with what follows', () => {
  const times = { ran: 0, waited: 0 }
  const spare = new SpareTime(() => ({ ...times }), busy)
  times.waited += 3 * ms
  expect(spare.pause()).toBe(0)
  times.ran += 2 * ms
  expect(spare.pause()).toBeCloseTo(24 * 2 * (3 / 5))
})

test('a thread that hardly gets to run is not held up further', () => {
  const times = { ran: 0, waited: 0 }
  const spare = new SpareTime(() => ({ ...times }), busy)
  times.ran += 1 * ms
  times.waited += 500 * ms
  expect(spare.pause()).toBeCloseTo(24 * (500 / 501))
})

test('reads the times of the calling thread', () => {
  const until = performance.now() + 30
  const spare = new SpareTime()
  while (performance.now() < until);
  const first = spare.pause()
  expect(first).toBeGreaterThanOrEqual(0)
  expect(first).toBeLessThanOrEqual(2_500)
})
