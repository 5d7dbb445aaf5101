import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BatchBuilder, createMemoryLog, type FetchedBatch, type Log, type Reader } from '@syscribe/log'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { createPipeline, deriveAll, replayInto, topicSettings } from '../src/index.js'
import { faultyLog } from './faulty-log.js'
import { Appender, linesOf, testFolder } from './test-log.js'
import { joiner, liner } from './test-parts.js'

const logger = pino({ level: 'silent' })
const settings = { rawPayload: true }
const policy = { aheadBytes: 300, roundRecords: 4, checkpointMs: 1e9, commitMs: 0 }

/** A batch without records, as a broker's reader gives where it has passed markers of transactions. */
function withoutRecords({ topic, partition, batch }: FetchedBatch): FetchedBatch {
  const empty = new BatchBuilder(0).take()
  empty.baseOffset = batch.baseOffset
  return { topic, partition, batch: empty, nextOffset: batch.baseOffset }
}

/** A log that answers as a broker may: three of four polls of a reader come back empty, and some batches hold nothing. */
function lateLog(log: Log): Log {
  const late = (reader: Reader): Reader => {
    let polls = 0
    return {
      assign: (positions) => reader.assign(positions),
      poll: async (options) => {
        if (++polls % 4 !== 0) return []
        const fetched = await reader.poll(options)
        const [first] = fetched
        return first === undefined ? [] : [withoutRecords(first), ...fetched]
      },
      close: () => reader.close(),
    }
  }
  const reader: Log['reader'] = async (options) => late(await log.reader(options))
  return { ...faultyLog(log, () => {}), engine: 'kafka', reader }
}

async function recorded(): Promise<{ log: Log; appender: Appender }> {
  const log = createMemoryLog()
  await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null }))
  const appender = await Appender.open(log)
  return { log, appender }
}

async function append(appender: Appender, from: number, count: number): Promise<void> {
  for (let index = from; index < from + count; index++) {
    const time = 1000 + index
    if (index % 4 === 0) await appender.exits([[time, index]])
    await appender.losses([[time, index % 9]])
  }
  for (const topic of ['processes', 'syscalls'] as const) await appender.watermark(topic, 1000 + from + count)
}

describe('an empty answer of a broker is not the end', () => {
  test('of what a run, and the next one behind its checkpoint, still have to read', async () => {
    const outputs = async (as: (log: Log) => Log) => {
      const { log, appender } = await recorded()
      const target = join(testFolder(), 'lines')
      for (const from of [0, 40, 80]) {
        await append(appender, from, 40)
        const projections = [{ projection: liner(), target, settings }]
        const pipeline = await createPipeline({ log: as(log), processors: [joiner()], projections, logger, policy })
        await pipeline.drain()
        // Its own checkpoint was found: it has not begun anew.
        const lines = (await pipeline.status()).find(({ part }) => part.startsWith('liner'))
        expect(lines?.consumed).toBeLessThan(60)
        await pipeline.close()
      }
      return { names: await linesOf(log, 'names'), file: readFileSync(target, 'utf8') }
    }
    const expected = await outputs((log) => log)
    expect(expected.file.split('\n').length).toBeGreaterThan(120)
    expect(await outputs(lateLog)).toEqual(expected)
  })

  test('of a log from which all is derived, or one output built', async () => {
    const { log, appender } = await recorded()
    await append(appender, 0, 100)
    const derived = async (rawLog: Log) => {
      const target = join(testFolder(), 'derived')
      const projections = [{ projection: liner(), target, settings }]
      await deriveAll({ rawLog, processors: [joiner()], projections, logger, policy })
      return readFileSync(target, 'utf8')
    }
    expect(await derived(lateLog(log))).toBe(await derived(log))

    const running = await createPipeline({ log, processors: [joiner()], projections: [], logger })
    await running.drain()
    await running.close()
    const built = async (from: Log) => {
      const target = join(testFolder(), 'built')
      await replayInto({ log: from, projection: liner(), target, settings, logger, policy })
      return readFileSync(target, 'utf8')
    }
    expect(await built(lateLog(log))).toBe(await built(log))
  })
})
