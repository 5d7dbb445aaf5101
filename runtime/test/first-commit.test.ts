import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { LogError } from '@syscribe/log'
import pino from 'pino'
import { expect, test } from 'vitest'
import { AppendFile, type Projection, runProjection } from '../src/index.js'
import { faultyLog } from './faulty-log.js'
import { Appender, testFolder, testLog } from './test-log.js'
import { type Hook, numberState } from './test-parts.js'

const logger = pino({ level: 'silent' })
const settings = { rawPayload: true }

/** Writes the number of each loss as a line of a file that only grows. */
function numbers(hook: Hook): Projection<{ count: number }> {
  return {
    name: 'numbers',
    topics: ['syscalls'],
    state: numberState,
    async open(target, metadata, { warn }) {
      const file = await AppendFile.open(target, metadata, warn)
      let lines = ''
      return {
        begun: file.mark,
        apply(input) {
          const record = input.codec.decode(input.value)
          if (record.kind === 'CaptureLoss') lines += `${record.value.records}\n`
        },
        async flush() {
          await hook('flush')
          await file.append(Buffer.from(lines))
          lines = ''
          await hook('flushed')
          return file.mark
        },
        close: () => file.close(),
      }
    },
  }
}

test('a crash at any point up to the first commits leaves one file, and no other set aside', async () => {
  for (let fatal = 0; ; fatal++) {
    const log = await testLog('memory')
    const appender = await Appender.open(log)
    await appender.losses([
      [1000, 1],
      [1001, 2],
    ])
    const target = join(testFolder(), 'numbers')
    let point = 0
    const die = () => {
      if (point++ >= fatal) throw new LogError('closed', 'died')
    }
    const run = async (hook: Hook, on = log) => {
      const running = await runProjection({ log: on, projection: numbers(hook), target, settings, logger })
      try {
        await running.drain()
      } finally {
        await running.close()
      }
    }
    await run(die, faultyLog(log, die)).catch((error) => {
      if (!(error instanceof LogError) || error.message !== 'died') throw error
    })
    const died = point > fatal
    await run(() => {})
    expect(readdirSync(dirname(target)), `after death at point ${fatal}`).toEqual(['numbers'])
    expect(readFileSync(target, 'utf8')).toBe('1\n2\n')
    if (!died) {
      expect(fatal).toBeGreaterThan(20)
      return
    }
  }
})
