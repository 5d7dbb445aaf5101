import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createMemoryLog, type Log } from '@syscribe/log'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import {
  type AnyProcessor,
  type AnyProjectionTask,
  createPipeline,
  currentLog,
  type Running,
  replayGeneration,
  requestProjectionReplay,
  runLive,
  topicSettings,
} from '../src/index.js'
import { Appender, atEnd, linesOf, testFolder } from './test-log.js'
import { joiner, joiner2, liner } from './test-parts.js'

const logger = pino({ level: 'silent' })
const settings = { rawPayload: true }
const policy = { aheadBytes: 2000, roundRecords: 20, commitMs: 5, replayCheckMs: 20 }
const live = { logger, policy, partitions: 'all' as const }
const waits = { graceMs: 50, silentMs: 2_000 }

async function testLog(): Promise<Log> {
  const log = createMemoryLog()
  atEnd(() => log.close())
  await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null }))
  return log
}

/** A process with one part, as far as a test in one process can have it. */
async function processor(log: Log, one: AnyProcessor): Promise<Running> {
  const running = await runLive({ ...live, log, processors: [one], projections: [] })
  atEnd(() => running.close().catch(() => {}))
  return running
}
async function projection(log: Log, target: string): Promise<Running> {
  const task = { projection: liner(), target, settings } as AnyProjectionTask
  const running = await runLive({ ...live, log, processors: [], projections: [task] })
  atEnd(() => running.close().catch(() => {}))
  return running
}

class Source {
  #number = 0
  readonly #log: Log
  constructor(log: Log) {
    this.#log = log
  }
  async append(count: number): Promise<void> {
    const appender = await Appender.open(this.#log)
    for (let index = 0; index < count; index++) {
      const number = this.#number++
      const time = 1000 + number * 2
      if (number % 5 === 0) await appender.exits([[time, number]])
      await appender.losses([[time, number]])
    }
    for (const topic of ['processes', 'syscalls'] as const) await appender.watermark(topic, 1000 + this.#number * 2)
  }
}

/** What an undisturbed run makes of the same raw records. */
async function expected(log: Log, one: AnyProcessor): Promise<{ file: string; names: string[] }> {
  const own = await testLog()
  const producer = await own.producer()
  const reader = await log.reader()
  await reader.assign(['syscalls', 'processes'].map((topic) => ({ topic, partition: 0, offset: 'earliest' as const })))
  for (let fetched = await reader.poll(); fetched.length > 0; fetched = await reader.poll()) {
    for (const { topic, batch } of fetched) {
      await producer.append([{ topic, partition: 0, batch: Object.assign(batch, { schemaId: 0 }) }])
    }
  }
  const target = join(testFolder(), 'expected')
  const task = { projection: liner(), target, settings } as AnyProjectionTask
  const pipeline = await createPipeline({ log: own, processors: [one], projections: [task], logger, policy })
  await pipeline.drain()
  await pipeline.close()
  return { file: readFileSync(target, 'utf8'), names: await linesOf(own, 'names') }
}

async function topicsOf(log: Log): Promise<string[]> {
  return (await log.describeTopics()).map(({ topic }) => topic).filter((topic) => /names|joiner|liner/.test(topic))
}

describe('a processor is replayed while its live process and a projection’s go on', () => {
  test('all move over to the new generation, and the old one goes', async () => {
    const log = await testLog()
    const source = new Source(log)
    const target = join(testFolder(), 'lines')
    await source.append(100)
    const old = await processor(log, joiner() as AnyProcessor)
    const lines = await projection(log, target)
    await old.drain()
    await lines.drain()
    const before = readFileSync(target, 'utf8')
    expect(before).not.toContain('v2')
    await old.close()

    const parser = await processor(log, joiner2())
    const replay = replayGeneration({ ...live, ...waits, log, processors: [joiner2()], name: 'joiner' })
    await source.append(100)
    await replay
    await source.append(20)
    await parser.drain()
    await lines.drain()
    const wanted = await expected(log, joiner2())
    expect(readFileSync(target, 'utf8')).toBe(wanted.file)
    expect(await linesOf(await currentLog(log, logger), 'names')).toEqual(wanted.names)
    expect((await topicsOf(log)).filter((topic) => !topic.startsWith('liner'))).toEqual(['names.2', 'joiner.2.state'])
    expect(existsSync(`${target}.replay`)).toBe(false)
  })
})
