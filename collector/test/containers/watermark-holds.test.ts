import { expect, test } from 'vitest'
import { holdMs, WatermarkHolds } from '../../src/containers/watermark-holds.js'

test('a watermark waits for each thing that is found out, and for none for ever', () => {
  const holds = new WatermarkHolds()
  expect(holds.limit(9_000, 0)).toBe(9_000)
  const letGo = holds.hold(5_000, 0)
  holds.hold(7_000, 1)
  expect(holds.limit(9_000, 2)).toBe(4_999)
  expect(holds.limit(3_000, 2)).toBe(3_000)
  letGo()
  letGo()
  expect(holds.limit(9_000, 3)).toBe(6_999)
  expect(holds.waiting).toBe(true)
  expect(holds.limit(9_000, 1 + holdMs)).toBe(9_000)
  expect(holds.waiting).toBe(false)
})
