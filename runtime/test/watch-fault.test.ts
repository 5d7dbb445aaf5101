import { createMemoryLog, type Log, LogError, type Reader } from '@syscribe/log'
import pino from 'pino'
import { expect, test } from 'vitest'
import { runProcessor, topicSettings } from '../src/index.js'
import { Appender, atEnd, namesOf } from './test-log.js'
import { namer } from './test-parts.js'

/** A log whose readers, once they are to wait for news, fail `times` times with this code. */
function failingWatch(log: Log, code: 'unavailable' | 'corrupt', times: number) {
  const failed = { count: 0 }
  const readerOf = (reader: Reader): Reader => ({
    assign: (positions) => reader.assign(positions),
    poll: async (options = {}) => {
      if ((options.waitMs ?? 0) > 0 && failed.count < times) {
        failed.count++
        throw new LogError(code, 'no broker')
      }
      return reader.poll(options)
    },
    close: () => reader.close(),
  })
  const view = new Proxy(log, {
    get: (target, name: keyof Log) => {
      if (name === 'reader') return async () => readerOf(await target.reader())
      return target[name] instanceof Function ? target[name].bind(target) : target[name]
    },
  })
  return { view, failed }
}

async function run(code: 'unavailable' | 'corrupt', times: number) {
  const log = createMemoryLog()
  atEnd(() => log.close())
  await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null }))
  const { view, failed } = failingWatch(log, code, times)
  const running = await runProcessor({ log: view, processor: namer(), logger: pino({ level: 'silent' }) })
  return { log, failed, running }
}

test('a log that is away while there is nothing to do: the parts go on when it is back', async () => {
  const { log, failed, running } = await run('unavailable', 2)
  while (failed.count < 2) await new Promise((resolve) => setTimeout(resolve, 20))
  await (await Appender.open(log)).losses([[1000, 1]])
  while ((await namesOf(log)).length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(await namesOf(log)).toEqual(['begun 1', '1 1'])
  await running.close()
})

test('a fault that no second attempt mends ends them', async () => {
  const { running } = await run('corrupt', 1)
  await expect(running.done).rejects.toMatchObject({ code: 'corrupt' })
  await running.close()
})
