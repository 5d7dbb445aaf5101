import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createMemoryLog, type Log, LogError } from '@syscribe/log'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import {
  type AnyProcessor,
  createPipeline,
  type Pipeline,
  type ReplayProgress,
  replayInto,
  stateTopicName,
  topicSettings,
} from '../src/index.js'
import { faultyLog } from './faulty-log.js'
import { RawSource } from './raw-source.js'
import { engines, linesOf, testFolder, testLog, useKafka } from './test-log.js'
import { joiner, joiner2, liner } from './test-parts.js'
import { undisturbed } from './undisturbed.js'

const logger = pino({ level: 'silent' })
const settings = { rawPayload: true }
const policy = { aheadBytes: 2000, roundRecords: 20, commitMs: 5, replayCheckMs: 20 }

const parts = (target: string, processor: AnyProcessor = joiner() as AnyProcessor) => ({
  processors: [processor],
  projections: [{ projection: liner(), target, settings }],
  logger,
  policy,
})

const expected = (log: Log, processor: AnyProcessor) => undisturbed(log, processor, policy)

async function settled(pipeline: Pipeline): Promise<void> {
  await pipeline.drain()
  await pipeline.close()
}

useKafka()

describe.each(engines)('replay on the %s engine', { timeout: 120_000 }, (engine) => {
  test('a projection is built anew beside its output and swapped in while records come', async () => {
    const log = await testLog(engine)
    const target = join(testFolder(), 'lines')
    const source = new RawSource(log)
    await source.append(100)
    const pipeline = await createPipeline({ log, ...parts(target) })
    await pipeline.drain()
    const seen: ReplayProgress[] = []
    const replay = pipeline.replay({ projection: 'liner', progress: (progress) => seen.push(progress) })
    await source.append(100)
    await replay
    expect(readdirSync(dirname(target))).toEqual(['lines'])
    await source.append(20)
    await settled(pipeline)
    expect(readFileSync(target, 'utf8')).toBe((await expected(log, joiner() as AnyProcessor)).file)
    expect(seen.at(-1)?.records).toBe(seen.at(-1)?.of)
    expect((await log.describeTopics()).map(({ topic }) => topic)).not.toContain(
      stateTopicName('liner', `${target}.replay`),
    )
    // Its counts went with it: the next run goes on from them.
    const again = await createPipeline({ log, ...parts(target) })
    await source.append(20)
    await settled(again)
    expect(readFileSync(target, 'utf8')).toBe((await expected(log, joiner() as AnyProcessor)).file)
  })

  test('a processor of a new version derives everything behind it again', async () => {
    const log = await testLog(engine)
    const target = join(testFolder(), 'lines')
    const source = new RawSource(log)
    await source.append(100)
    await settled(await createPipeline({ log, ...parts(target) }))
    const before = readFileSync(target, 'utf8')
    expect(before).not.toContain('v2')

    const pipeline = await createPipeline({ log, ...parts(target, joiner2()) })
    const replay = pipeline.replay({ processor: 'joiner' })
    await source.append(50)
    await replay
    await settled(pipeline)
    const wanted = await expected(log, joiner2())
    expect(readFileSync(target, 'utf8')).toBe(wanted.file)
    expect(await linesOf(log, 'names')).toEqual(wanted.names)
    expect(wanted.file.match(/v2/g)).toHaveLength(150)
  })

  test('what is not there cannot be replayed; a closed pipeline says that it goes on later', async () => {
    const log = await testLog(engine)
    const target = join(testFolder(), 'lines')
    const source = new RawSource(log)
    await source.append(10)
    const pipeline = await createPipeline({ log, ...parts(target) })
    await expect(pipeline.replay({ projection: 'other' })).rejects.toMatchObject({ code: 'replay_invalid' })
    await expect(pipeline.replay({ processor: 'other' })).rejects.toMatchObject({ code: 'replay_invalid' })
    const replay = pipeline.replay({ projection: 'liner' })
    const failed = expect(replay).rejects.toMatchObject({ code: 'replay_interrupted' })
    const begun = async () => (await pipeline.status()).some(({ part }) => part === `liner@${target}.replay`)
    while (!(await begun())) await new Promise((resolve) => setImmediate(resolve))
    await pipeline.close()
    await failed
    await expect(pipeline.replay({ projection: 'liner' })).rejects.toMatchObject({ code: 'closed' })
  })
})

describe('a crash during a replay', () => {
  /** Runs a replay of the processor that dies at a point of the log's calls; then runs the pipeline again. */
  async function replayDying(fatal: number) {
    const log = createMemoryLog()
    await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null }))
    const target = join(testFolder(), 'lines')
    const source = new RawSource(log)
    await source.append(30)
    await settled(await createPipeline({ log, ...parts(target) }))
    let point = 0
    let armed = false
    const dying = faultyLog(log, () => {
      if (armed && point++ >= fatal) throw new LogError('closed', 'died')
    })
    const pipeline = await createPipeline({ log: dying, ...parts(target, joiner2()) })
    armed = true
    const files: string[] = []
    await Promise.race([pipeline.replay({ processor: 'joiner' }), pipeline.done]).then(
      () => {},
      () => {},
    )
    const died = point > fatal
    files.push(readFileSync(target, 'utf8'))
    await pipeline.close().catch(() => {})
    const again = await createPipeline({ log, ...parts(target, joiner2()) })
    const deadline = performance.now() + 10_000
    while (existsSync(`${target}.replay`) && performance.now() < deadline) await new Promise((r) => setTimeout(r, 20))
    await settled(again)
    return { died, file: readFileSync(target, 'utf8'), names: await linesOf(log, 'names'), files, log }
  }

  test('at any point: the old output stays whole until the new one takes its place', async () => {
    const undisturbed = await replayDying(Number.POSITIVE_INFINITY)
    const wanted = await expected(undisturbed.log, joiner2())
    expect(undisturbed.file).toBe(wanted.file)
    const old = (await expected(undisturbed.log, joiner() as AnyProcessor)).file
    let deaths = 0
    // The first points are the reset; the last the swap; between them rounds.
    for (let fatal = 0; ; fatal += fatal < 40 ? 1 : 3) {
      const result = await replayDying(fatal)
      if (!result.died) break
      deaths++
      expect([old, wanted.file], `seen after death at point ${fatal}`).toContain(result.files[0])
      // Death at the first points comes before the replay was asked for in the log: then the old version's output stays.
      if (result.file === old) expect(fatal).toBeLessThan(20)
      else {
        expect(result.file, `after death at point ${fatal}`).toBe(wanted.file)
        expect(result.names).toEqual(wanted.names)
      }
    }
    expect(deaths).toBeGreaterThan(50)
  }, 300_000)
})

describe('a projection into a target of its own', () => {
  test('from the oldest record, from a time, to an offset; the log is not changed', async () => {
    const log = await testLog('memory')
    const source = new RawSource(log)
    await source.append(100)
    const target = join(testFolder(), 'lines')
    await settled(await createPipeline({ log, ...parts(target) }))
    const whole = readFileSync(target, 'utf8')
    const before = await log.describeTopics()
    const into = async (range: object) => {
      const side = join(testFolder(), 'side')
      await replayInto({ log, projection: liner(), target: side, settings, logger, ...range })
      return readFileSync(side, 'utf8')
    }
    expect(await into({})).toBe(whole)
    expect(await into({ from: { time: 1100 } })).toBe(whole.slice(whole.indexOf('50+50')))
    expect(await into({ to: { offset: 3 } })).toBe(whole.split('\n').slice(0, 3).join('\n') + '\n')
    expect(await log.describeTopics()).toEqual(before)
  })
})
