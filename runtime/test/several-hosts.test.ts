import fc from 'fast-check'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import type { Processor } from '../src/index.js'
import { ProcessorStage } from '../src/processor-stage.js'
import { contextOf } from '../src/running.js'
import type { StagePolicy } from '../src/stage.js'
import { Appender, namesOf, testLog } from './test-log.js'
import { answer, numberState } from './test-parts.js'

const logger = pino({ level: 'silent' })
const key = Buffer.from('name')

/** Joins each loss with the last process of its own host that exited. */
function ownJoiner(): Processor<{ count: number }> {
  return {
    name: 'own-joiner',
    streams: ['syscalls'],
    tables: ['processes'],
    outputs: [{ topic: 'names', partition: 'input' }],
    state: numberState,
    create: () => ({
      step(input, state, out) {
        const record = input.codec.decode(input.value)
        if (record.kind === 'ProcessExited') state.set(record.value.host, { count: record.value.pid })
        else if (record.kind === 'CaptureLoss') {
          const { host, records } = record.value
          const name = `${host} ${records}+${state.get(host)?.count ?? 'none'}`
          out.emit('names', 'NameAnswer', answer(input.timestamp, name), key, input.timestamp)
        }
      },
    }),
  }
}

async function stageOn(policy: StagePolicy = {}) {
  const log = await testLog('memory')
  const appender = await Appender.open(log)
  const context = contextOf({ log, logger, policy })
  const open = () => ProcessorStage.open(context, ownJoiner(), 0)
  const run = async (stage: ProcessorStage<unknown>) => {
    while ((await stage.round()) > 0);
  }
  return { log, appender, open, run }
}

const both = ['processes', 'syscalls'] as const
const losses = (names: readonly string[]) => names.filter((name) => !name.startsWith('<'))

describe('a join where several hosts write one partition', () => {
  test('each stream record finds the table record of its own host before it, though one host lags by seconds', async () => {
    const lag = 3_000
    // What each host writes, in its order: processes, what each did in the same millisecond, and how far that is known.
    const rounds = fc.array(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 4 }), {
      minLength: 3,
      maxLength: 25,
    })
    await fc.assert(
      fc.asyncProperty(rounds, rounds, fc.infiniteStream(fc.nat(1000)), async (ofA, ofB, stream) => {
        const choice = () => stream.next().value as number
        const { log, appender, open, run } = await stageOn({ roundRecords: 5 })
        const wanted: string[] = []
        const queues = [ofA, ofB].flatMap((all, index) => {
          const host = 'ab'[index] as string
          let time = 10_000 - index * lag
          let number = 0
          const exits: (() => Promise<void>)[] = []
          const syscalls: (() => Promise<void>)[] = []
          const known = (at: number, final: boolean) => {
            exits.push(() => appender.watermark('processes', at, host, final))
            syscalls.push(() => appender.watermark('syscalls', at, host, final))
          }
          for (const advances of all) {
            const records = advances.map((advance): [number, number] => {
              time += advance * 10
              number++
              return [time, number]
            })
            for (const [, id] of records) wanted.push(`${host} ${id}+${id}`)
            exits.push(() => appender.exits(records, 0, host))
            syscalls.push(() => appender.losses(records, 0, 'k', host))
            known(time, false)
          }
          known(time + 1, true)
          return [exits, syscalls]
        })
        for (const topic of both) {
          await appender.watermark(topic, 10_000 - lag, 'b')
          await appender.watermark(topic, 10_000, 'a')
        }
        let stage = await open()
        for (let left = queues; left.length > 0; left = left.filter((queue) => queue.length > 0)) {
          const picked = choice() % (left.length + 2)
          if (picked < left.length) await left[picked]?.shift()?.()
          else if (picked === left.length) await stage.round()
          else {
            await stage.abandon()
            stage = await open()
          }
        }
        await run(stage as ProcessorStage<unknown>)
        await stage.close()
        expect(losses(await namesOf(log)).sort()).toEqual(wanted.sort())
      }),
      { numRuns: 60 },
    )
  }, 60_000)

  test('a host that stands still holds up no more than the bound; then its late records follow, none lost', async () => {
    const { log, appender, open, run } = await stageOn({ heldBytes: 20_000 })
    const stage = await open()
    for (const host of ['b', 'a']) for (const topic of both) await appender.watermark(topic, 1000, host)
    for (let index = 0; index < 200; index++) {
      await appender.losses([[1001 + index, index]])
      for (const topic of both) await appender.watermark(topic, 1001 + index)
    }
    await appender.watermark('processes', 1300, 'b')
    await run(stage as ProcessorStage<unknown>)
    const before = losses(await namesOf(log))
    // Half of the bound and more is held; the others did not wait for host b.
    expect(before.length).toBeGreaterThan(80)
    expect(before.length).toBeLessThan(200)
    await appender.losses([[1002, 777]], 0, 'k', 'b')
    await appender.watermark('syscalls', 1300, 'b')
    await appender.watermark('syscalls', 1300, 'a')
    await appender.watermark('processes', 1300, 'a')
    await run(stage as ProcessorStage<unknown>)
    const all = losses(await namesOf(log))
    expect(all.filter((name) => name.startsWith('a'))).toEqual(
      Array.from({ length: 200 }, (_, index) => `a ${index}+none`),
    )
    expect(all.filter((name) => name.startsWith('b'))).toEqual(['b 777+none'])
    await stage.close()
  })

  test('what is committed is the first record not taken; what follows it and was taken does not come again', async () => {
    const { log, appender, open, run } = await stageOn()
    let stage = await open()
    for (const host of ['b', 'a']) for (const topic of both) await appender.watermark(topic, 1000, host)
    await appender.losses([
      [5000, 1],
      [5001, 2],
    ])
    for (const topic of both) await appender.watermark(topic, 6000)
    for (let index = 0; index < 50; index++) await appender.losses([[1001 + index, 10 + index]], 0, 'k', 'b')
    for (const topic of both) await appender.watermark(topic, 2000, 'b')
    await run(stage as ProcessorStage<unknown>)
    expect(losses(await namesOf(log))).toHaveLength(50)
    const committed = (await log.committed('own-joiner')).find(({ topic }) => topic === 'syscalls')
    expect(committed).toMatchObject({ offset: 2 })
    expect(stage.positions().find(({ topic }) => topic === 'syscalls')).toMatchObject({ next: 2, reached: 56 })
    await stage.abandon()
    stage = await open()
    for (const topic of both) await appender.watermark(topic, 7000, 'b')
    await run(stage as ProcessorStage<unknown>)
    const names = losses(await namesOf(log))
    expect(names.slice(50)).toEqual(['a 1+none', 'a 2+none'])
    expect(new Set(names).size).toBe(52)
    await stage.close()
  })

  test('a restart behind a compaction of the table waits for nothing that is gone, and repeats nothing', async () => {
    const { log, appender, open, run } = await stageOn({ checkpointMs: 1e9 })
    let stage = await open()
    const round = async (host: string, from: number, first: number) => {
      for (let index = 0; index < 10; index++) {
        // The same processes end again and again: compaction leaves the last.
        await appender.exits([[from + index, index % 2]], 0, host)
        await appender.losses([[from + index, first + index]], 0, 'k', host)
        for (const topic of both) await appender.watermark(topic, from + index, host)
      }
    }
    for (const host of ['b', 'a']) for (const topic of both) await appender.watermark(topic, 1000, host)
    await round('a', 5000, 100)
    await round('b', 1000, 200)
    await run(stage as ProcessorStage<unknown>)
    await round('b', 3000, 300)
    await run(stage as ProcessorStage<unknown>)
    const before = losses(await namesOf(log))
    expect(before).toHaveLength(19)
    await stage.abandon()
    const kept = (await log.describeTopics()).find(({ topic }) => topic === 'processes')?.offsets[0]?.bytes ?? 0
    await log.clean()
    const left = (await log.describeTopics()).find(({ topic }) => topic === 'processes')?.offsets[0]?.bytes ?? 0
    expect(left).toBeLessThan(kept / 3)
    stage = await open()
    await round('b', 6000, 400)
    for (const topic of both) await appender.watermark(topic, 7000, 'a')
    await run(stage as ProcessorStage<unknown>)
    const after = losses(await namesOf(log))
    expect(after.slice(0, before.length)).toEqual(before)
    expect(new Set(after.map((name) => name.split('+')[0])).size).toBe(after.length)
    expect(after).toHaveLength(39)
    await stage.close()
  })

  test('of one host, records come out as soon as they are there, with and without a watermark', async () => {
    const { log, appender, open, run } = await stageOn()
    const stage = await open()
    await appender.watermark('processes', 9000)
    await appender.losses([[1000, 1]])
    await run(stage as ProcessorStage<unknown>)
    await appender.watermark('syscalls', 1000)
    await appender.losses([[2000, 2]])
    await run(stage as ProcessorStage<unknown>)
    expect(losses(await namesOf(log))).toEqual(['a 1+none', 'a 2+none'])
    await stage.close()
  })
})
