import { expect, test, vi } from 'vitest'
import { cpuNumbers, IdleShare } from '../src/idle-share.js'

test('is of the last half second or longer', () => {
  const times = { idle: 100, all: 1_000 }
  let now = 0
  const idle = new IdleShare(
    () => ({ ...times }),
    () => now,
  )
  expect(idle.share).toBe(0)
  times.idle += 30
  times.all += 100
  now = 499
  expect(idle.share).toBe(0)
  now = 500
  expect(idle.share).toBeCloseTo(0.3)
  times.all += 100
  now = 999
  expect(idle.share).toBeCloseTo(0.3)
  now = 1_000
  expect(idle.share).toBe(0)
  now = 2_000
  expect(idle.share).toBe(0)
})

test('of this machine is a share', async () => {
  let now = 0
  const idle = new IdleShare(undefined, () => now)
  await vi.waitFor(
    () => {
      now += 500
      expect(idle.share).toBeGreaterThan(0)
    },
    { timeout: 20_000 },
  )
  expect(idle.share).toBeLessThanOrEqual(1)
})

test('processors of a list', () => {
  expect([...cpuNumbers('0-3,8,10-11')]).toEqual([0, 1, 2, 3, 8, 10, 11])
  expect([...cpuNumbers('5')]).toEqual([5])
  expect(cpuNumbers('').size).toBe(0)
})
