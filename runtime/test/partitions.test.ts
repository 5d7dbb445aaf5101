import { type Log, LogError, type Producer, type ProducerOptions } from '@syscribe/log'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { type Processor, runProcessor } from '../src/index.js'
import { Appender, engines, linesOf, namesOf, testLog, useKafka } from './test-log.js'
import { joiner, namer } from './test-parts.js'

const logger = pino({ level: 'silent' })

/** Like the namer, but to the partition of the record's key. */
function byKey(): Processor<{ count: number }> {
  return { ...namer(), outputs: [{ topic: 'names', partition: 'key' }] }
}

/** A log with other producers. */
function withProducers(log: Log, producer: (options: ProducerOptions | undefined) => Promise<Producer>): Log {
  return new Proxy(log, {
    get: (target, name: keyof Log) => {
      if (name === 'producer') return producer
      return target[name] instanceof Function ? target[name].bind(target) : target[name]
    },
  })
}

/** A log on which commits under one transactionalId take until they are released. */
function heldCommits(log: Log, transactionalId: string) {
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let hold = () => {}
  const held = new Promise<void>((resolve) => {
    hold = resolve
  })
  const view = withProducers(log, async (options) => {
    const own = await log.producer(options)
    if (options?.transactionalId !== transactionalId) return own
    return {
      append: (batches) => own.append(batches),
      commit: async (transaction) => {
        hold()
        await released
        await own.commit(transaction)
      },
      committed: (group) => own.committed(group),
      close: () => own.close(),
    }
  })
  return { view, release, held }
}

useKafka()

describe.each(engines)('several partitions on the %s engine', { timeout: 120_000 }, (engine) => {
  test('each has its own instance and state; outputs keep the partition', async () => {
    const log = await testLog(engine, 3)
    const appender = await Appender.open(log)
    for (const partition of [0, 1, 2])
      await appender.losses(
        [
          [1000, 1],
          [1001, 11],
        ],
        partition,
      )
    const running = await runProcessor({ log, processor: namer(), logger })
    await running.drain()
    for (const partition of [0, 1, 2]) {
      expect(await namesOf(log, partition)).toEqual(['begun 1', '1 1', 'begun 11', '11 2'])
    }
    expect((await running.status())[0]).toMatchObject({ part: 'namer', consumed: 6, lag: 0 })
    await running.close()
  })

  test('none waits for what another commits', async () => {
    const log = await testLog(engine, 2)
    const appender = await Appender.open(log)
    const { view, release, held } = heldCommits(log, 'namer/0')
    const running = await runProcessor({ log: view, processor: namer(), logger })
    for (const partition of [0, 1]) await appender.losses([[1000, 1]], partition)
    await held
    const ofOther = () => namesOf(log, 1)
    await expect.poll(ofOther, { timeout: 20_000 }).toEqual(['begun 1', '1 1'])
    await appender.losses([[1001, 11]], 1)
    await expect.poll(ofOther, { timeout: 20_000 }).toEqual(['begun 1', '1 1', 'begun 11', '11 2'])
    expect(await namesOf(log, 0)).toEqual([])
    release()
    await expect.poll(() => namesOf(log, 0), { timeout: 20_000 }).toEqual(['begun 1', '1 1'])
    await running.close()
  })

  test('ends by itself when it is told to while it begins', async () => {
    const log = await testLog(engine, 2)
    const controller = new AbortController()
    const view = withProducers(log, (options) => {
      controller.abort()
      return log.producer(options)
    })
    const running = await runProcessor({ log: view, processor: namer(), logger, signal: controller.signal })
    await running.done
    expect(await running.status()).toEqual([])
  })

  test('partitions are shared anew while one of them cannot be opened', async () => {
    const log = await testLog(engine, 2)
    const appender = await Appender.open(log)
    for (const partition of [0, 1]) await appender.losses([[1000, 1]], partition)
    // The first gets nothing open before the second has something.
    let opened = () => {}
    const second = new Promise<void>((resolve) => {
      opened = resolve
    })
    const held = withProducers(log, async (options) => {
      const waited = new Promise<'late'>((resolve) => setTimeout(resolve, 2_000, 'late'))
      if ((await Promise.race([second, waited])) === 'late') throw new LogError('unavailable', 'not yet')
      return log.producer(options)
    })
    const own = withProducers(log, async (options) => {
      const producer = await log.producer(options)
      opened()
      return producer
    })
    const options = { processor: namer(), logger, partitions: 'group' as const }
    const members = [
      runProcessor({ ...options, log: held }),
      // Not before the first has joined.
      new Promise((resolve) => setTimeout(resolve, 1_000)).then(() => runProcessor({ ...options, log: own })),
    ]
    const running = await Promise.all(members)
    for (const partition of [0, 1]) {
      await expect.poll(() => namesOf(log, partition), { timeout: 20_000 }).toEqual(['begun 1', '1 1'])
    }
    for (const member of running) await member.close()
  })

  test('every instance reads all partitions of a table', async () => {
    const log = await testLog(engine, 2)
    const appender = await Appender.open(log)
    await appender.exits([[999, 70]], 1)
    for (const partition of [0, 1]) {
      await appender.losses([[1000, partition]], partition)
      for (const topic of ['syscalls', 'processes'] as const)
        await appender.watermark(topic, 1010, 'a', true, partition)
    }
    const running = await runProcessor({ log, processor: joiner(), logger })
    await running.drain()
    await running.close()
    expect((await namesOf(log, 0))[0]).toBe('0+70')
    expect((await namesOf(log, 1))[0]).toBe('1+70')
    // Each goes on where it was, in the tables too.
    const again = await runProcessor({ log, processor: joiner(), logger })
    await again.drain()
    expect((await again.status())[0]).toMatchObject({ consumed: 0, lag: 0 })
    await again.close()
  })

  test('an output chosen by key gets the watermarks of every instance, told apart', async () => {
    const log = await testLog(engine, 2)
    const appender = await Appender.open(log)
    await appender.losses([[1000, 1]], 0)
    for (const partition of [0, 1]) await appender.watermark('syscalls', 1010 + partition, 'a', false, partition)
    const running = await runProcessor({ log, processor: byKey(), logger })
    await running.drain()
    await running.close()
    const keys = async (partition: number) =>
      (await linesOf(log, 'names', partition))
        .filter((line) => line.includes('Watermark'))
        .map((line) => line.split(' ')[1])
        .sort()
    const both = ['watermark/a/namer/0', 'watermark/a/namer/1']
    expect([await keys(0), await keys(1)]).toEqual([both, both])
  })

  test('a consumer group shares the partitions, and they move when a member leaves', async () => {
    const log = await testLog(engine, 4)
    const appender = await Appender.open(log)
    const all = [0, 1, 2, 3]
    const options = { log, processor: namer(), logger, partitions: 'group' as const }
    const first = await runProcessor(options)
    const second = await runProcessor(options)
    const shareOf = async (running: typeof first) =>
      (await running.status())[0]?.inputs.map(({ partition }) => partition) ?? []
    // With a broker the first gives up its part before the second gets it.
    await expect.poll(() => shareOf(second), { timeout: 20_000 }).toHaveLength(2)
    await expect.poll(async () => [...(await shareOf(first)), ...(await shareOf(second))].sort()).toEqual(all)
    for (const partition of all) await appender.losses([[1000, 1]], partition)
    await first.drain()
    await second.drain()
    await second.close()
    await expect.poll(async () => (await shareOf(first)).sort(), { timeout: 20_000 }).toEqual(all)
    for (const partition of all) await appender.losses([[1001, 11]], partition)
    await first.drain()
    await first.close()
    for (const partition of all) {
      expect(await namesOf(log, partition)).toEqual(['begun 1', '1 1', 'begun 11', '11 2'])
    }
  })
})
