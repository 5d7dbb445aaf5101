import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { createPipeline, runProcessor } from '../src/index.js'
import { Appender, engines, namesOf, testFolder, testLog, useKafka } from './test-log.js'
import { liner, namer } from './test-parts.js'

const logger = pino({ level: process.env.TEST_LOG ?? 'silent' })
const settings = { rawPayload: true }

useKafka()

describe.each(engines)('on the %s engine', { timeout: 120_000 }, (engine) => {
  test('a processor emits what its step emits, and forwards watermarks', async () => {
    const log = await testLog(engine)
    const appender = await Appender.open(log)
    await appender.losses([
      [1000, 1],
      [1001, 2],
      [1001, 11],
    ])
    await appender.watermark('syscalls', 1002)
    const running = await runProcessor({ log, processor: namer(), logger })
    await running.drain()
    expect(await namesOf(log)).toEqual(['begun 1', '1 1', 'begun 2', '2 1', 'begun 11', '11 2', '<1002 a>'])
    await appender.losses([[1003, 21]])
    await running.drain()
    expect((await namesOf(log)).slice(7)).toEqual(['begun 21', '21 3'])
    await running.close()
    await running.done
  })

  test('a projection writes what it is given; a pipeline runs both', async () => {
    const log = await testLog(engine)
    const appender = await Appender.open(log)
    const target = join(testFolder(), 'lines')
    const projections = [{ projection: liner(), target, settings }]
    await appender.losses([
      [1000, 1],
      [1001, 2],
    ])
    const pipeline = await createPipeline({ log, processors: [namer()], projections, logger })
    await pipeline.drain()
    expect(readFileSync(target, 'utf8')).toBe('begun 1 x1\n1 1 x1\nbegun 2 x1\n2 1 x1\n')
    await pipeline.close()
    const again = await createPipeline({ log, processors: [namer()], projections, logger })
    await appender.losses([[1003, 1]])
    await again.drain()
    await again.close()
    expect(readFileSync(target, 'utf8')).toBe('begun 1 x1\n1 1 x1\nbegun 2 x1\n2 1 x1\nbegun 1 x2\n1 2 x1\n')
  })
})
