import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  batchOf,
  type ContractLog,
  type Engine,
  expectFault,
  type PlainRecord,
  readAll,
  record,
  settings,
  unique,
  values,
} from './contract-log.js'

export function recordContract(engine: Engine): void {
  describe('append and read', () => {
    let open: ContractLog
    let topic: string
    beforeEach(async () => {
      open = await engine.open()
      topic = unique('records')
      await open.log.createTopics([settings(topic, { partitions: 2 })])
    })
    afterEach(() => open.dispose())

    it('gives back what was appended, with offsets from 0', async () => {
      const { log } = open
      const producer = await log.producer()
      const first = [record('a', 'k1', 5), record(null, 'k2', 7), record('c', null, 6)]
      const second = [record('', '', 8), record('é\0x', 'ключ', 9)]
      expect(await producer.append([{ topic, partition: 0, batch: batchOf(first) }])).toEqual([0])
      expect(await producer.append([{ topic, partition: 0, batch: batchOf(second) }])).toEqual([3])
      const expected = [...first, ...second].map((plain, offset) => ({ ...plain, offset }))
      expect(await readAll(log, topic)).toEqual(expected)
      expect(await readAll(log, topic, 1)).toEqual([])
    })

    it('keeps the schema id of a batch', async () => {
      const { log } = open
      const id = await log.registerSchema(topic, { type: 'string' })
      const producer = await log.producer()
      await producer.append([{ topic, partition: 0, batch: batchOf([record('a')], id) }])
      const reader = await log.reader()
      await reader.assign([{ topic, partition: 0, offset: 0 }])
      expect((await reader.poll({ waitMs: 2000 }))[0]!.batch.schemaId).toBe(id)
    })

    it('appends several batches at once, and returns the base offset of each', async () => {
      const { log } = open
      const producer = await log.producer()
      await producer.append([{ topic, partition: 1, batch: batchOf([record('x')]) }])
      const bases = await producer.append([
        { topic, partition: 1, batch: batchOf([record('a'), record('b')]) },
        { topic, partition: 0, batch: batchOf([record('c')]) },
        { topic, partition: 1, batch: batchOf([record('d')]) },
      ])
      expect(bases).toEqual([1, 0, 3])
      expect(await values(log, topic, 1)).toEqual(['x', 'a', 'b', 'd'])
      expect(await values(log, topic, 0)).toEqual(['c'])
    })

    it('keeps the order of concurrent appends of one producer', async () => {
      const { log } = open
      const producer = await log.producer()
      const bases = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          producer.append([{ topic, partition: 0, batch: batchOf([record(`${index}a`), record(`${index}b`)]) }]),
        ),
      )
      expect(bases).toEqual(Array.from({ length: 40 }, (_, index) => [index * 2]))
      expect(await values(log, topic)).toEqual(
        Array.from({ length: 40 }, (_, index) => [`${index}a`, `${index}b`]).flat(),
      )
    })

    it('reads from any offset on, whatever the batches', async () => {
      const { log } = open
      const plain = fc.record({
        timestamp: fc.integer({ min: 0, max: 2_000_000_000_000 }),
        key: fc.option(fc.string({ maxLength: 20 })),
        value: fc.option(fc.string({ maxLength: 200 })),
      })
      const batches = fc.array(fc.array(plain, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 6 })
      await fc.assert(
        fc.asyncProperty(batches, fc.double({ min: 0, max: 1, noNaN: true }), async (appended, place) => {
          const name = unique('any')
          await log.createTopics([settings(name)])
          const producer = await log.producer()
          for (const records of appended)
            await producer.append([{ topic: name, partition: 0, batch: batchOf(records) }])
          const all: (PlainRecord & { offset: number })[] = appended
            .flat()
            .map((appendedRecord, offset) => ({ ...appendedRecord, offset }))
          const from = Math.floor(place * all.length)
          expect(await readAll(log, name, 0, from)).toEqual(all.slice(from))
        }),
        { numRuns: 20 },
      )
    })

    it('takes a record of a megabyte and ten thousand small ones in one batch', async () => {
      const { log } = open
      const producer = await log.producer()
      const large = 'x'.repeat(1_000_000)
      const small = Array.from({ length: 10_000 }, (_, index) => record(`${index}`))
      await producer.append([{ topic, partition: 0, batch: batchOf([record(large)]) }])
      await producer.append([{ topic, partition: 0, batch: batchOf(small) }])
      const read = await values(log, topic)
      expect(read[0]).toBe(large)
      expect(read.slice(1)).toEqual(small.map(({ value }) => value))
    })

    it('refuses a batch that is too large, empty or malformed', async () => {
      const limited = await engine.open({ maxBatchBytes: 100_000 })
      try {
        const { log } = limited
        const name = unique('limited')
        await log.createTopics([settings(name)])
        const producer = await log.producer()
        const append = (batch: ReturnType<typeof batchOf>) => producer.append([{ topic: name, partition: 0, batch }])
        await expectFault(append(batchOf([record('x'.repeat(200_000))])), 'record_too_large', name)
        await expectFault(append(batchOf([])), 'invalid', name)
        const torn = batchOf([record('abc')])
        torn.buffer.writeUInt32LE(4, 40)
        await expectFault(append(torn), 'invalid', name)
        const twice = batchOf([record('abc')])
        twice.buffer.writeUInt32LE(2, 8)
        await expectFault(append(twice), 'invalid', name)
        expect(await values(log, name)).toEqual([])
      } finally {
        await limited.dispose()
      }
    })

    it('refuses records without a key in a compacted topic', async () => {
      const { log } = open
      const name = unique('compacted')
      await log.createTopics([settings(name, { cleanup: 'compact' })])
      const producer = await log.producer()
      const batch = batchOf([record('a', 'k'), record('b')])
      await expectFault(producer.append([{ topic: name, partition: 0, batch }]), 'invalid', 'key')
      expect(await values(log, name)).toEqual([])
    })

    it('refuses topics and partitions that are not there', async () => {
      const { log } = open
      const producer = await log.producer()
      const to = (name: string, partition: number) =>
        producer.append([{ topic: name, partition, batch: batchOf([record('a')]) }])
      await expectFault(to('nowhere', 0), 'unknown_topic', 'nowhere')
      await expectFault(to(topic, 2), 'unknown_topic', topic, '2')
      await expectFault(to(topic, -1), 'unknown_topic', topic)
      if (!engine.atomicAppends) return
      const batches = [
        { topic, partition: 0, batch: batchOf([record('a')]) },
        { topic, partition: 7, batch: batchOf([record('b')]) },
      ]
      await expectFault(producer.append(batches), 'unknown_topic')
      expect(await values(log, topic)).toEqual([])
    })

    it('refuses a closed producer, and the log goes on', async () => {
      const { log } = open
      const producer = await log.producer()
      await producer.close()
      await expectFault(producer.append([]), 'closed')
      const other = await log.producer()
      expect(await other.append([])).toEqual([])
      await other.append([{ topic, partition: 0, batch: batchOf([record('a')]) }])
      expect(await values(log, topic)).toEqual(['a'])
    })

    it('keeps everything when closed and opened again', async () => {
      if (open.reopen === undefined) return
      const group = unique('group')
      const schemaId = await open.log.registerSchema(topic, { type: 'bytes' })
      const producer = await open.log.producer({ transactionalId: unique('id') })
      const offsets = [{ topic, partition: 1, offset: 3, metadata: 'here' }]
      await producer.commit({
        batches: [{ topic, partition: 0, batch: batchOf([record('a', 'k', 4)]) }],
        group,
        offsets,
      })
      const before = await open.log.describeTopics()
      const log = await open.reopen()
      expect(await log.describeTopics()).toEqual(before)
      expect((await readAll(log, topic)).map(({ value, key, timestamp }) => [value, key, timestamp])).toEqual([
        ['a', 'k', 4],
      ])
      expect(await log.committed(group)).toEqual(offsets)
      expect(await log.schema(schemaId)).toEqual({ type: 'bytes' })
      expect(await log.registerSchema(topic, { type: 'bytes' })).toBe(schemaId)
      const again = await log.producer()
      await again.append([{ topic, partition: 0, batch: batchOf([record('b')]) }])
      expect(await values(log, topic)).toEqual(['a', 'b'])
    })
  })
}
