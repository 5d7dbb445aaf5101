import { expect, test } from 'vitest'
import { CatchUp } from '../src/catch-up.js'
import type { Stage } from '../src/stage.js'
import { Appender, testLog } from './test-log.js'

async function setUp(options: { laps?: number } = {}) {
  const log = await testLog('memory')
  const appender = await Appender.open(log)
  const at = { taken: 0, now: 0 }
  const positions = () => [{ topic: 'syscalls' as const, partition: 0, next: at.taken, reached: at.taken }]
  const states = [{ part: 'part', stage: { positions } as Stage, fault: undefined }]
  const losses = (count: number) => appender.losses(Array.from({ length: count }, (_, index) => [1000, index] as const))
  const catchUp = new CatchUp(log, { lapMs: 1_000, now: () => at.now, ...options })
  /** After so long, with so many records taken, and others come. */
  const look = async (ms: number, taken: number, come: number) => {
    at.now += ms
    at.taken = taken
    if (come > 0) await losses(come)
    return catchUp.look(states)
  }
  return { look, progress: () => catchUp.progress(states) }
}

test('it is to the ends of the first look that a lap leads, whatever has come since', async () => {
  const { look, progress } = await setUp()
  expect(await look(0, 4, 10)).toBe(false)
  expect(progress()).toEqual({ records: 4, of: 10 })
  expect(await look(400, 9, 7)).toBe(false)
  expect(progress()).toEqual({ records: 9, of: 10 })
  expect(await look(400, 12, 3)).toBe(true)
  expect(progress()).toEqual({ records: 12, of: 12 })
})

test('after a lap that took long another one begins', async () => {
  const { look, progress } = await setUp()
  expect(await look(0, 0, 100)).toBe(false)
  expect(await look(60_000, 100, 30)).toBe(false)
  expect(progress()).toEqual({ records: 100, of: 130 })
  expect(await look(800, 130, 5)).toBe(true)
})

test('a log that grows as fast as they are is caught up with all the same', async () => {
  const { look } = await setUp()
  expect(await look(0, 0, 100)).toBe(false)
  expect(await look(60_000, 100, 100)).toBe(false)
  expect(await look(60_000, 200, 100)).toBe(true)
})

test('of stages behind one another each takes a lap', async () => {
  const { look } = await setUp({ laps: 2 })
  expect(await look(0, 0, 10)).toBe(false)
  expect(await look(500, 10, 10)).toBe(false)
  expect(await look(500, 19, 0)).toBe(false)
  expect(await look(500, 20, 0)).toBe(true)
})
