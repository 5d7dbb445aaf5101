import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  batchOf,
  type ContractLog,
  type Engine,
  expectFault,
  readAll,
  record,
  settings,
  unique,
  values,
} from './contract-log.js'

export function cleaningContract(engine: Engine): void {
  describe('retention', () => {
    let open: ContractLog
    beforeEach(async () => {
      open = await engine.open()
    })
    afterEach(() => open.dispose())

    const offsetsOf = async (topic: string) =>
      (await open.log.describeTopics()).find((described) => described.topic === topic)!.offsets[0]!

    it('drops the oldest batches of a partition that is too large', async () => {
      const { log } = open
      const topic = unique('sized')
      await log.createTopics([settings(topic, { retentionBytes: 100_000 })])
      const producer = await log.producer()
      for (let index = 0; index < 50; index++) {
        const batch = batchOf([record(`${index}`), record('x'.repeat(10_000))])
        await producer.append([{ topic, partition: 0, batch }])
      }
      await log.clean()
      const { start, end, bytes } = await offsetsOf(topic)
      expect(end).toBe(100)
      expect(start).toBe(82)
      expect(bytes).toBeLessThanOrEqual(100_000)
      expect((await readAll(log, topic)).map(({ offset }) => offset)).toEqual(
        Array.from({ length: 18 }, (_, index) => 82 + index),
      )
      expect(await log.offsetForTime(topic, 0, 0)).toBe(82)
    })

    it('drops what is older than the newest by more than is kept', async () => {
      const { log } = open
      const topic = unique('timed')
      await log.createTopics([settings(topic, { retentionMs: 60_000 })])
      const producer = await log.producer()
      const start = 1_700_000_000_000
      for (let minute = 0; minute < 100; minute++) {
        const times = [0, 30_000].map((more) => start + minute * 60_000 + more)
        const batch = batchOf(times.map((time) => record(`${minute}`, null, time)))
        await producer.append([{ topic, partition: 0, batch }])
      }
      await log.clean()
      expect((await values(log, topic)).map(Number)).toEqual([98, 98, 99, 99])
      expect(await log.offsetForTime(topic, 0, start)).toBe(196)
      expect(await log.offsetForTime(topic, 0, start + 99 * 60_000 + 1)).toBe(199)
    })

    it('keeps the newest batch, whatever its size and time', async () => {
      const { log } = open
      const topic = unique('newest')
      await log.createTopics([settings(topic, { retentionBytes: 0, retentionMs: 0 })])
      const producer = await log.producer()
      await producer.append([{ topic, partition: 0, batch: batchOf([record('new', null, 9000)]) }])
      await producer.append([{ topic, partition: 0, batch: batchOf([record('late', null, 1000)]) }])
      await log.clean()
      expect(await values(log, topic)).toEqual(['late'])
    })

    it('tells a reader whose position has gone', async () => {
      const { log } = open
      const topic = unique('gone')
      await log.createTopics([settings(topic, { retentionBytes: 1 })])
      const producer = await log.producer()
      const reader = await log.reader()
      await reader.assign([{ topic, partition: 0, offset: 0 }])
      for (const text of ['a', 'b', 'c']) {
        await producer.append([{ topic, partition: 0, batch: batchOf([record(text)]) }])
      }
      await log.clean()
      await expectFault(reader.poll(), 'offset_out_of_range', topic, '0', '2')
      await reader.assign([{ topic, partition: 0, offset: 'earliest' }])
      expect((await reader.poll()).map(({ nextOffset }) => nextOffset)).toEqual([3])
    })
  })

  describe('compaction', () => {
    it('keeps the newest record of each key at its offset', async () => {
      const open = await engine.open()
      try {
        const { log } = open
        const keys = fc.integer({ min: 0, max: 6 })
        const batches = fc.array(fc.array(keys, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 })
        await fc.assert(
          fc.asyncProperty(batches, batches, async (before, after) => {
            const topic = unique('compacted')
            await log.createTopics([settings(topic, { cleanup: 'compact' })])
            const producer = await log.producer()
            const all: { offset: number; key: string; value: string }[] = []
            const append = async (rounds: number[][]) => {
              for (const round of rounds) {
                const records = round.map((key) => {
                  const offset = all.length
                  all.push({ offset, key: `k${key}`, value: `v${offset}` })
                  return record(`v${offset}`, `k${key}`)
                })
                await producer.append([{ topic, partition: 0, batch: batchOf(records) }])
              }
            }
            const newest = () => all.filter(({ key, offset }) => !all.some((o) => o.key === key && o.offset > offset))
            const read = async (from: number | 'earliest' = 'earliest') =>
              (await readAll(log, topic, 0, from)).map(({ offset, key, value }) => ({ offset, key, value }))
            await append(before)
            await log.clean()
            expect(await read()).toEqual(newest())
            const half = Math.floor(all.length / 2)
            expect(await read(half)).toEqual(newest().filter(({ offset }) => offset >= half))
            await append(after)
            await log.clean()
            await log.clean()
            expect(await read()).toEqual(newest())
            const offsets = (await log.describeTopics()).find((described) => described.topic === topic)!.offsets[0]!
            expect(offsets).toMatchObject({ start: 0, end: all.length })
          }),
          { numRuns: 25 },
        )
      } finally {
        await open.dispose()
      }
    })

    it('keeps gaps of more offsets than one record can tell', async () => {
      const open = await engine.open()
      try {
        const { log } = open
        const topic = unique('gaps')
        await log.createTopics([settings(topic, { cleanup: 'compact' })])
        const producer = await log.producer()
        const many = (count: number) => batchOf(Array.from({ length: count }, (_, index) => record(`${index}`, 'same')))
        await producer.append([{ topic, partition: 0, batch: batchOf([record('first', 'a')]) }])
        await producer.append([{ topic, partition: 0, batch: many(70_000) }])
        await producer.append([{ topic, partition: 0, batch: batchOf([record('last', 'b')]) }])
        await log.clean()
        const read = (await readAll(log, topic)).map(({ offset, key, value }) => [offset, key, value])
        expect(read).toEqual([
          [0, 'a', 'first'],
          [70_000, 'same', '69999'],
          [70_001, 'b', 'last'],
        ])
      } finally {
        await open.dispose()
      }
    })

    it('keeps tombstones for a while, then drops them', async () => {
      const open = await engine.open({ tombstoneMs: 1000 })
      try {
        const { log } = open
        const topic = unique('tombstones')
        await log.createTopics([settings(topic, { cleanup: 'compact' })])
        const producer = await log.producer()
        const append = (value: string | null, key: string, time: number) =>
          producer.append([{ topic, partition: 0, batch: batchOf([record(value, key, time)]) }])
        await append('1', 'a', 1000)
        await append('2', 'b', 1000)
        await append(null, 'a', 2000)
        await log.clean()
        expect((await readAll(log, topic)).map(({ key, value }) => [key, value])).toEqual([
          ['b', '2'],
          ['a', null],
        ])
        await append('3', 'c', 3001)
        await log.clean()
        expect((await readAll(log, topic)).map(({ key, value }) => [key, value])).toEqual([
          ['b', '2'],
          ['c', '3'],
        ])
      } finally {
        await open.dispose()
      }
    })
  })
}
