import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createMemoryLog } from '@syscribe/log'
import { namedSchema } from '@syscribe/schemas'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import {
  createPipeline,
  Metrics,
  type Projection,
  partMetrics,
  runProcessor,
  runProjection,
  topicSettings,
} from '../src/index.js'
import { ProcessorStage } from '../src/processor-stage.js'
import { contextOf } from '../src/running.js'
import { Appender, engines, linesOf, namesOf, testFolder, testLog, useKafka } from './test-log.js'
import { liner, namer, numberState } from './test-parts.js'

const logger = pino({ level: 'silent' })
const settings = { rawPayload: true }

useKafka()

describe.each(engines)('records that cannot be taken, on the %s engine', { timeout: 120_000 }, (engine) => {
  test('a processor leaves out a poison record and what its step emitted; the rest goes on', async () => {
    const log = await testLog(engine)
    const appender = await Appender.open(log)
    await appender.losses([
      [1000, 1],
      [1001, -5],
      [1002, 2],
    ])
    const metrics = new Metrics()
    const running = await runProcessor({ log, processor: namer(), logger, metrics })
    await running.drain()
    expect(await namesOf(log)).toEqual(['begun 1', '1 1', 'begun 2', '2 1'])
    const letters = await linesOf(log, 'dead-letters')
    expect(letters).toHaveLength(1)
    expect(letters[0]).toContain(
      '"part":"namer","topic":"syscalls","partition":0,"offset":1,"error":"Error: cannot take -5"',
    )
    expect((await running.status())[0]).toMatchObject({
      part: 'namer',
      lag: 0,
      consumed: 3,
      emitted: 4,
      deadLetters: 1,
    })
    expect(metrics.metric(partMetrics.deadLetters, { part: 'namer' }).value).toBe(1)
    await running.close()
  })

  test('a projection leaves out a poison record', async () => {
    const log = await testLog(engine)
    const appender = await Appender.open(log)
    await appender.losses([[1000, 1]])
    const target = join(testFolder(), 'lines')
    const poison = namer()
    const processor = {
      ...poison,
      create: () => {
        const instance = poison.create()
        return {
          step(input: never, state: never, out: never) {
            instance.step(input, state, {
              emit: (topic: 'names', kind: 'NameAnswer', value: { name: string }, key: Buffer, timestamp: number) =>
                (out as { emit: (...all: unknown[]) => void }).emit(
                  topic,
                  kind,
                  { ...value, name: value.name.replace('begun', 'poison') },
                  key,
                  timestamp,
                ),
            } as never)
          },
        }
      },
    }
    const pipeline = await createPipeline({
      log,
      processors: [processor],
      projections: [{ projection: liner(), target, settings }],
      logger,
    })
    await pipeline.drain()
    await pipeline.close()
    expect(readFileSync(target, 'utf8')).toBe('1 1 x1\n')
    expect(await linesOf(log, 'dead-letters')).toEqual([expect.stringContaining(`"part":"liner@${target}"`)])
  })

  test('unknown kinds and tombstones are passed over; what cannot be read is a dead letter', async () => {
    const log = await testLog(engine)
    const appender = await Appender.open(log)
    await appender.raw('syscalls', 1000, Buffer.from([60, 1, 2]))
    await appender.raw('syscalls', 1001, null)
    await appender.raw('syscalls', 1002, Buffer.alloc(0))
    // The branch of a watermark, and then nothing of one.
    await appender.raw('syscalls', 1003, Buffer.from([8, 255]))
    const foreign = await log.registerSchema('syscalls', [{ ...(namedSchema('CaptureLoss') as object), fields: [] }])
    await appender.raw('syscalls', 1004, Buffer.from([0, 1]), 0, foreign)
    await appender.losses([[1005, 1]])
    const metrics = new Metrics()
    const running = await runProcessor({ log, processor: namer(), logger, metrics })
    await running.drain()
    await running.close()
    expect(await namesOf(log)).toEqual(['begun 1', '1 1'])
    expect(metrics.metric(partMetrics.unknown, { part: 'namer' }).value).toBe(1)
    const letters = await linesOf(log, 'dead-letters')
    expect(letters.map((line) => /"offset":(\d+),"error":"([a-z_]+)/.exec(line)?.slice(1))).toEqual([
      ['2', 'record_invalid'],
      ['3', 'record_invalid'],
      ['4', 'schema_incompatible'],
    ])
  })
})

describe('faults of parts', () => {
  test('a projection whose target cannot be written is retried; the others go on; drain says what it was', async () => {
    const log = await testLog('memory')
    await (await Appender.open(log)).losses([[1000, 1]])
    const target = join(testFolder(), 'lines')
    let full = true
    const broken = liner((point) => {
      if (point === 'flush' && full) throw Object.assign(new Error('cannot write'), { code: 'target_unwritable' })
    })
    const pipeline = await createPipeline({
      log,
      processors: [namer()],
      projections: [
        { projection: { ...broken, name: 'broken' }, target: join(testFolder(), 'broken'), settings },
        { projection: liner(), target, settings },
      ],
      logger,
    })
    await expect(pipeline.drain()).rejects.toMatchObject({
      code: 'not_drained',
      message: expect.stringContaining('cannot write'),
    })
    expect(readFileSync(target, 'utf8')).toBe('begun 1 x1\n1 1 x1\n')
    const failing = (await pipeline.status()).find(({ part }) => part.startsWith('broken'))
    expect(failing).toMatchObject({ state: 'retrying', fault: 'target_unwritable: cannot write' })
    full = false
    await pipeline.drain()
    expect((await pipeline.status()).map(({ state, lag }) => ({ state, lag }))).toEqual(
      Array(3).fill({ state: 'running', lag: 0 }),
    )
    await pipeline.close()
  }, 60_000)

  test('a part that cannot be opened ends createPipeline with its error', async () => {
    const log = await testLog('memory')
    const cannot = {
      ...liner(),
      open: () => Promise.reject(Object.assign(new Error('no'), { code: 'target_unwritable' })),
    }
    const projections = [{ projection: cannot, target: '/x', settings }]
    await expect(createPipeline({ log, processors: [namer()], projections, logger })).rejects.toMatchObject({
      code: 'target_unwritable',
    })
  })

  test('a second run fences the first, which ends and says so', async () => {
    const log = await testLog('memory')
    const appender = await Appender.open(log)
    const first = await runProcessor({ log, processor: namer(), logger })
    const second = await runProcessor({ log, processor: namer(), logger })
    await appender.losses([[1000, 1]])
    await expect(first.done).rejects.toMatchObject({ code: 'fenced' })
    await second.drain()
    expect(await namesOf(log)).toEqual(['begun 1', '1 1'])
    await second.close()
  })

  test('processors that do not fit together are refused', async () => {
    const log = await testLog('memory')
    const run = (processors: ReturnType<typeof namer>[]) => createPipeline({ log, processors, projections: [], logger })
    await expect(run([namer(), namer()])).rejects.toMatchObject({
      code: 'parts_invalid',
      message: /two processors are named namer/,
    })
    await expect(run([namer(), { ...namer(), name: 'other' }])).rejects.toMatchObject({
      message: /both write topic names/,
    })
    await expect(run([{ ...namer(), streams: ['names'] }])).rejects.toMatchObject({
      message: /reads what comes of its own output/,
    })
  })
})

describe('state', () => {
  test.each([
    ['of an old version', 2],
    ['that cannot be read though its version says so', 1],
  ])('%s is built anew from the oldest record, and nothing is emitted twice', async (_name, version) => {
    const log = await testLog('memory')
    const appender = await Appender.open(log)
    await appender.losses([
      [1000, 1],
      [1001, 11],
      [1002, 31],
    ])
    const first = await runProcessor({ log, processor: namer(), logger })
    await first.drain()
    await first.close()
    const newer = {
      ...numberState,
      version,
      decode: () => {
        throw new RangeError('another format')
      },
    }
    await appender.losses([[1003, 41]])
    const second = await runProcessor({ log, processor: { ...namer(), state: newer }, logger })
    await second.drain()
    await second.close()
    expect((await namesOf(log)).slice(-3)).toEqual(['31 3', 'begun 41', '41 4'])
    expect(await namesOf(log)).toHaveLength(8)
    // From the new checkpoint on the new format is read.
    const third = await runProcessor({ log, processor: { ...namer(), state: { ...numberState, version } }, logger })
    await appender.losses([[1004, 51]])
    await third.drain()
    await third.close()
    expect((await namesOf(log)).at(-1)).toBe('51 5')
  })

  test('a projection of another version begins its output anew', async () => {
    const log = await testLog('memory')
    await (await Appender.open(log)).losses([[1000, 1]])
    const target = join(testFolder(), 'lines')
    const run = async (projection: Projection<{ count: number }>) => {
      const pipeline = await createPipeline({
        log,
        processors: [namer()],
        projections: [{ projection, target, settings }],
        logger,
      })
      await pipeline.drain()
      await pipeline.close()
      return readFileSync(target, 'utf8')
    }
    const first = await run(liner())
    expect(await run({ ...liner(), state: { ...numberState, version: 2 } })).toBe(first)
  })

  test('what retention removed before it was read is counted, and the rest goes on', async () => {
    const log = createMemoryLog()
    await log.createTopics(topicSettings({ retentionBytes: 10, retentionMs: null }))
    const appender = await Appender.open(log)
    const metrics = new Metrics()
    const context = contextOf({ log, logger, metrics })
    const stage = await ProcessorStage.open(context, namer(), 0)
    for (let index = 0; index < 5; index++) await appender.losses([[1000 + index, index]])
    await log.clean()
    while ((await stage.round()) > 0);
    await stage.close()
    expect(metrics.metric(partMetrics.expired, { part: 'namer' }).value).toBe(4)
    expect(await namesOf(log)).toEqual(['begun 4', '4 1'])
  })
})

describe('load', () => {
  test('a slow projection does not make memory grow: what waits, waits in the log', async () => {
    const log = await testLog('embedded')
    const appender = await Appender.open(log)
    let slow = 0
    const projection = liner(async (point) => {
      if (point !== 'flush') return
      slow++
      await new Promise((resolve) => setTimeout(resolve, 20))
    })
    const target = join(testFolder(), 'lines')
    let largest = 0
    let waiting = 0
    const counting: Projection<{ count: number }> = {
      ...projection,
      topics: ['syscalls'],
      async open(...all) {
        const instance = await projection.open(...all)
        return {
          apply() {
            waiting++
            largest = Math.max(largest, waiting)
          },
          async flush(...flush) {
            waiting = 0
            return instance.flush(...flush)
          },
          close: () => instance.close(),
        }
      },
    }
    const policy = { aheadBytes: 16 * 1024, commitBytes: 32 * 1024 }
    const running = await runProjection({ log, projection: counting, target, settings, logger, policy })
    const losses = Array.from({ length: 200 }, (_, index) => [1000, index] as const)
    for (let index = 0; index < 200; index++) await appender.losses(losses)
    await running.drain()
    expect((await running.status())[0]).toMatchObject({ lag: 0, consumed: 40_000 })
    await running.close()
    expect(slow).toBeGreaterThan(20)
    // 32 KiB of records, and one round of 16 KiB and a batch.
    expect(largest).toBeLessThan(2_500)
  }, 60_000)

  test('nothing to do costs less than 1 % of a core', async () => {
    const log = await testLog('embedded')
    const target = join(testFolder(), 'lines')
    const projections = [1, 2, 3].map((n) => ({
      projection: { ...liner(), name: `liner${n}` },
      target: target + n,
      settings,
    }))
    const pipeline = await createPipeline({ log, processors: [namer()], projections, logger })
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const before = process.cpuUsage()
    await new Promise((resolve) => setTimeout(resolve, 4_000))
    const { user, system } = process.cpuUsage(before)
    await pipeline.close()
    // Twice the goal: the test runner's own work counts here too.
    expect((user + system) / 4_000_000).toBeLessThan(0.02)
  }, 60_000)
})
