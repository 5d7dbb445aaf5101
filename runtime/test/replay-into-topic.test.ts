import { type Log, LogError } from '@syscribe/log'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { type AnyProcessor, replayIntoTopic, runProcessor } from '../src/index.js'
import { RenamedLog } from '../src/renamed-log.js'
import { faultyLog } from './faulty-log.js'
import { RawSource } from './raw-source.js'
import { engines, linesOf, testLog, useKafka } from './test-log.js'
import { joiner, joiner2 } from './test-parts.js'

const logger = pino({ level: 'silent' })
const policy = { aheadBytes: 2000, roundRecords: 7, checkpointMs: 0 }

const into = (log: Log, more: object = {}) =>
  replayIntoTopic({ log, processor: joiner2(), into: 'trial', logger, policy, ...more })

/** What stands in a topic that holds names. */
const trial = (log: Log, topic = 'trial') =>
  linesOf(new RenamedLog(log, { topics: new Map([['names', topic]]), parts: new Map() }), 'names')

/** Names as the trial has them, without what watermarks say. */
async function names(log: Log, topic = 'trial'): Promise<string[]> {
  const lines = await trial(log, topic)
  return lines.flatMap((line) => /"name":"(v2 [^a"]*)"/.exec(line)?.[1] ?? [])
}

/** Brokers tell them in any order. */
async function otherTopics(log: Log) {
  const others = (await log.describeTopics()).filter(({ topic }) => topic !== 'trial')
  return others.sort((a, b) => (a.topic < b.topic ? -1 : 1))
}

useKafka()

describe.each(engines)(
  'a processor’s output in a topic of its own on the %s engine',
  { timeout: 120_000 },
  (engine) => {
    test('is what the processor derives; nothing else changes', async () => {
      const log = await testLog(engine)
      await new RawSource(log).append(50, true)
      const live = await runProcessor({ log, logger, processor: joiner() as AnyProcessor })
      await live.drain()
      await live.close()
      const before = await otherTopics(log)
      const committed = await log.committed('joiner')
      const seen: number[] = []
      await into(log, {
        processor: joiner(),
        progress: ({ records, of }: { records: number; of: number }) => seen.push(records, of),
      })
      expect(await trial(log)).toEqual(await linesOf(log, 'names'))
      expect(await otherTopics(log)).toEqual(before)
      expect(await log.committed('joiner')).toEqual(committed)
      expect(seen.slice(-2)).toEqual([62, 62])
    })

    test('from a place to a place: tables are read whole, or to a time', async () => {
      const log = await testLog(engine)
      await new RawSource(log).append(50, true)
      await into(log, { from: { offset: 10 }, to: { offset: 13 } })
      expect(await names(log)).toEqual(['v2 10+10', 'v2 11+10', 'v2 12+10'])
      await into(log, { into: 'timed', from: { time: 1040 }, to: { time: 1044 } })
      expect(await names(log, 'timed')).toEqual(['v2 20+20', 'v2 21+20'])
    })

    test('a topic that is there is left alone', async () => {
      const log = await testLog(engine)
      await new RawSource(log).append(5, true)
      await into(log)
      const once = await trial(log)
      for (const name of ['trial', 'names', 'syscalls', 'control']) {
        await expect(into(log, { into: name })).rejects.toMatchObject({ code: 'replay_invalid' })
      }
      await expect(into(log, { into: 'no topic' })).rejects.toMatchObject({ code: 'invalid' })
      expect(await trial(log)).toEqual(once)
    })
  },
)

test('interrupted at any point, it goes on', async () => {
  let deaths = 0
  for (let fatal = 0; ; fatal += 1 + Math.floor(fatal / 20)) {
    const log = await testLog('memory')
    await new RawSource(log).append(40, true)
    let point = 0
    const dying = faultyLog(log, () => {
      if (point++ >= fatal) throw new LogError('closed', 'died')
    })
    await into(dying).catch(() => {})
    const died = point > fatal
    const undisturbed = await testLog('memory')
    await new RawSource(undisturbed).append(40, true)
    await into(undisturbed)
    // Its last steps delete what tells of it: then it is complete.
    await into(log).catch((error) => expect(error).toMatchObject({ code: 'replay_invalid' }))
    expect(await trial(log), `death at point ${fatal}`).toEqual(await trial(undisturbed))
    if (!died) break
    deaths++
  }
  expect(deaths).toBeGreaterThan(20)
}, 60_000)
