import type { Log, Reader } from '@syscribe/log'
import fc from 'fast-check'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { ProcessorStage } from '../src/processor-stage.js'
import { contextOf } from '../src/running.js'
import { defaultPolicy } from '../src/stage.js'
import { Appender, linesOf, namesOf, testLog } from './test-log.js'
import { joiner, namer } from './test-parts.js'

const logger = pino({ level: 'silent' })

type Action = (appender: Appender) => Promise<void>

/** Appends to one partition, in order; the other partitions' appends fall anywhere between. */
interface History {
  syscalls: Action[]
  processes: Action[][]
  heldBytes: number
}

const hosts = ['a', 'b']

/**
 * What a collector may write into one partition: per host non-decreasing times, watermarks that no later record of the
 * host is before, an end; now and then a record that comes late, which no collector should write.
 */
function partitionHistory(topic: 'syscalls' | 'processes', partition: number): fc.Arbitrary<Action[]> {
  const event = fc.record({
    host: fc.constantFrom(0, 1),
    advance: fc.integer({ min: 0, max: 3 }),
    kind: fc.constantFrom('record', 'record', 'watermark', 'late', 'final'),
  })
  return fc.tuple(fc.array(event, { maxLength: 20 }), fc.constantFrom(0, 3, 40)).map(([events, lag]) => {
    const times = [1000, 1000 + lag]
    const actions: Action[] = events.map(({ host, advance, kind }, index) => {
      const time = (times[host] as number) + advance
      times[host] = time
      const id = index + 1 + partition * 100
      if (kind === 'watermark' || kind === 'final') {
        return (to) => to.watermark(topic, time + 0.4, hosts[host], kind === 'final', partition)
      }
      const at = kind === 'late' ? time - 5 : time
      return topic === 'syscalls' ? (to) => to.losses([[at, id]], partition) : (to) => to.exits([[at, id]], partition)
    })
    const end = Math.max(...times) + 50
    for (const host of hosts) actions.push((to) => to.watermark(topic, end, host, true, partition))
    return actions
  })
}

const history: fc.Arbitrary<History> = fc.record({
  syscalls: partitionHistory('syscalls', 0),
  processes: fc.tuple(partitionHistory('processes', 0), partitionHistory('processes', 1)).map((all) => [...all]),
  heldBytes: fc.constantFrom(0, 600, 1200, defaultPolicy.heldBytes),
})

/** Runs a history with appends and rounds in the order that `choices` gives; returns the output's lines. */
async function outputOf(history: History, choices: () => number, processor: () => ReturnType<typeof joiner>) {
  const log = await testLog('memory', 2)
  const appender = await Appender.open(log)
  const policy = {
    heldBytes: history.heldBytes,
    aheadBytes: 1 + (choices() % 3) * 300,
    roundRecords: 1 + (choices() % 7),
    checkpointMs: (choices() % 2) * 5_000,
  }
  const context = contextOf({ log, logger, policy })
  const open = () => ProcessorStage.open(context, processor(), 0)
  let stage = await open()
  const queues = [[...history.syscalls], ...history.processes.map((actions) => [...actions])]
  for (;;) {
    const left = queues.filter((queue) => queue.length > 0)
    if (left.length === 0) break
    const choice = choices() % (left.length + 2)
    if (choice < left.length) await (left[choice] as Action[]).shift()?.(appender)
    else if (choice === left.length) await stage.round()
    else {
      // A crash: what is not committed is lost with the instance.
      if (choices() % 2 === 0) await stage.abandon()
      else await stage.close()
      stage = await open()
    }
  }
  while ((await stage.round()) > 0);
  await stage.close()
  return linesOf(log, 'names')
}

/** One input after the other, then everything at once. */
const calm = () => 0

describe('the order of several inputs', () => {
  test('does not depend on when records are appended and read, nor on crashes', async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.infiniteStream(fc.nat(1000)), async (given, stream) => {
        const expected = await outputOf(given, calm, joiner)
        expect(await outputOf(given, () => stream.next().value as number, joiner)).toEqual(expected)
      }),
      { numRuns: 250 },
    )
  })

  test('the same with one input, without merging', async () => {
    await fc.assert(
      fc.asyncProperty(partitionHistory('syscalls', 0), fc.infiniteStream(fc.nat(1000)), async (syscalls, stream) => {
        const given = { syscalls, processes: [], heldBytes: defaultPolicy.heldBytes }
        const expected = await outputOf(given, calm, namer)
        expect(await outputOf(given, () => stream.next().value as number, namer)).toEqual(expected)
      }),
      { numRuns: 150 },
    )
  })

  test('a table that is late is waited for: its record is known to the stream of the same time', async () => {
    const log = await testLog('memory')
    const appender = await Appender.open(log)
    const context = contextOf({ log, logger })
    const stage = await ProcessorStage.open(context, joiner(), 0)
    await appender.losses([
      [1000, 1],
      [1005, 2],
    ])
    await appender.watermark('syscalls', 1006)
    while ((await stage.round()) > 0);
    expect(await namesOf(log)).toEqual([])
    await appender.exits([[1000, 77]])
    while ((await stage.round()) > 0);
    // Another process may still have ended in the same millisecond.
    expect(await namesOf(log)).toEqual([])
    await appender.watermark('processes', 1001)
    while ((await stage.round()) > 0);
    expect(await namesOf(log)).toEqual(['1+77', '<1001 a>'])
    await appender.exits([
      [1004, 78],
      [1007, 79],
    ])
    while ((await stage.round()) > 0);
    expect((await namesOf(log)).slice(2)).toEqual(['2+78', 'at 1001 78'])
    await stage.close()
  })

  test('a host that ended no longer holds the others back', async () => {
    const log = await testLog('memory')
    const appender = await Appender.open(log)
    const context = contextOf({ log, logger })
    const stage = await ProcessorStage.open(context, joiner(), 0)
    for (const topic of ['syscalls', 'processes'] as const) {
      await appender.watermark(topic, 1000, 'a')
      await appender.watermark(topic, 1010, 'b')
    }
    await appender.losses([[1009, 1]])
    while ((await stage.round()) > 0);
    expect(await namesOf(log)).not.toContain('1+none')
    for (const topic of ['syscalls', 'processes'] as const) {
      expect(await namesOf(log)).not.toContain('1+none')
      await appender.watermark(topic, 1001, 'a', true)
      while ((await stage.round()) > 0);
    }
    expect(await namesOf(log)).toContain('1+none')
    await stage.close()
  })

  test('an input that is ahead is read no further than a bound while it waits', async () => {
    const log = await testLog('memory')
    const appender = await Appender.open(log)
    let fetchedBytes = 0
    const counting: Log = Object.assign(Object.create(log) as Log, {
      async reader(...options: Parameters<Log['reader']>) {
        const reader = await log.reader(...options)
        const poll: Reader['poll'] = async (...all) => {
          const fetched = await reader.poll(...all)
          for (const { topic, batch } of fetched) if (topic === 'syscalls') fetchedBytes += batch.byteLength
          return fetched
        }
        return { poll, assign: reader.assign.bind(reader), close: reader.close.bind(reader) }
      },
    })
    for (const name of ['createTopics', 'describeTopics', 'registerSchema', 'schema', 'producer'] as const) {
      Object.assign(counting, { [name]: log[name].bind(log) })
    }
    const policy = { ...defaultPolicy, aheadBytes: 10_000 }
    const context = contextOf({ log: counting, logger, policy })
    const stage = await ProcessorStage.open(context, joiner(), 0)
    const losses = Array.from({ length: 20 }, (_, index) => [1000, index] as const)
    for (let index = 0; index < 100; index++) await appender.losses(losses)
    while ((await stage.round()) > 0);
    expect(await namesOf(log)).toEqual([])
    expect(fetchedBytes).toBeGreaterThan(10_000)
    expect(fetchedBytes).toBeLessThan(25_000)
    await appender.watermark('processes', 1001)
    while ((await stage.round()) > 0);
    expect((await namesOf(log)).filter((name) => name.endsWith('+none'))).toHaveLength(2_000)
    await stage.close()
  })
})
