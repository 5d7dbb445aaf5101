import { expect, test } from 'vitest'
import { IdleWatermarks } from '../src/idle-watermarks.js'

test('rounds with records always state a watermark; idle ones soon after, then seldom', () => {
  const idle = new IdleWatermarks()
  expect(idle.due(0, false)).toBe(true)
  expect(idle.due(10, false)).toBe(true)
  expect(idle.due(250, true)).toBe(false)
  expect(idle.due(510, true)).toBe(true)
  expect(idle.due(4_900, true)).toBe(true)
  expect(idle.due(6_000, true)).toBe(false)
  expect(idle.due(15_300, true)).toBe(true)
})

test('where other hosts wait for them, idle watermarks stay close', () => {
  const idle = new IdleWatermarks(true)
  expect(idle.due(0, false)).toBe(true)
  expect(idle.due(100_000, true)).toBe(true)
  expect(idle.due(100_400, true)).toBe(false)
  expect(idle.due(100_500, true)).toBe(true)
})
