import { setImmediate as turn } from 'node:timers/promises'
import { type Log, LogError } from '@syscribe/log'
import pino from 'pino'
import { expect, test, vi } from 'vitest'
import { runProcessor } from '../src/run-processor.js'
import { faultyLog } from './faulty-log.js'
import { testLog } from './test-log.js'
import { namer } from './test-parts.js'

test('a member that is put out of its group ends the run with why', async () => {
  const fault = new LogError('unavailable', 'partitions cannot be opened')
  let putOut: ((error: unknown) => void) | undefined
  const log: Log = {
    ...faultyLog(await testLog('memory'), () => {}),
    groupMember: async (options) => {
      putOut = options.onFailure
      await options.onAssignment([])
      return { close: async () => {} }
    },
  }
  const logger = pino({ level: 'silent' })
  const running = await runProcessor({ log, logger, processor: namer(), partitions: 'group' })
  putOut?.(fault)
  await expect(running.done).rejects.toBe(fault)
  await running.close().catch(() => {})
})

test('a group that cannot be joined leaves nothing running, so its process can end', async () => {
  const unjoined: Log = {
    ...faultyLog(await testLog('memory'), () => {}),
    groupMember: async () => {
      for (let turns = 0; turns < 20; turns++) await turn()
      throw new LogError('unavailable', 'no coordinator')
    },
  }
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const running = runProcessor({
      log: unjoined,
      logger: pino({ level: 'silent' }),
      processor: namer(),
      partitions: 'group',
    })
    await expect(running).rejects.toMatchObject({ code: 'unavailable' })
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})
