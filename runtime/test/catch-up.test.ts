import { expect, test } from 'vitest'
import { CatchUp } from '../src/catch-up.js'
import type { Stage } from '../src/stage.js'
import { Appender, testLog } from './test-log.js'

test('caught up with a log that goes on: the last progress is complete, whatever has come since', async () => {
  const log = await testLog('memory')
  const appender = await Appender.open(log)
  let taken = 0
  const positions = () => [{ topic: 'syscalls' as const, partition: 0, next: taken, reached: taken }]
  const states = [{ part: 'part', stage: { positions } as Stage, fault: undefined }]
  const losses = (count: number) => appender.losses(Array.from({ length: count }, (_, index) => [1000, index] as const))

  const catchUp = new CatchUp(log)
  await losses(10)
  taken = 4
  expect(await catchUp.look(states)).toBe(false)
  expect(catchUp.progress(states)).toEqual({ records: 4, of: 10 })
  await losses(7)
  taken = 9
  expect(await catchUp.look(states)).toBe(false)
  expect(catchUp.progress(states)).toEqual({ records: 9, of: 17 })
  await losses(3)
  taken = 18
  expect(await catchUp.look(states)).toBe(true)
  expect(catchUp.progress(states)).toEqual({ records: 18, of: 18 })
})
