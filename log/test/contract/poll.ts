import type { FetchedBatch } from '@syscribe/log'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { batchOf, type ContractLog, type Engine, expectFault, record, settings, unique } from './contract-log.js'

export function pollContract(engine: Engine): void {
  describe('poll', () => {
    let open: ContractLog
    let topic: string
    beforeEach(async () => {
      open = await engine.open()
      topic = unique('polled')
      await open.log.createTopics([settings(topic, { partitions: 3 })])
    })
    afterEach(() => open.dispose())

    const append = async (partition: number, ...texts: string[]) => {
      const producer = await open.log.producer()
      await producer.append([{ topic, partition, batch: batchOf(texts.map((text) => record(text))) }])
      await producer.close()
    }

    it('waits for news, and no longer than asked', async () => {
      const reader = await open.log.reader()
      await reader.assign([{ topic, partition: 0, offset: 'earliest' }])
      expect(await reader.poll()).toEqual([])
      const began = performance.now()
      expect(await reader.poll({ waitMs: 100 })).toEqual([])
      expect(performance.now() - began).toBeGreaterThanOrEqual(95)
      expect(performance.now() - began).toBeLessThan(1500)
      const waiting = reader.poll({ waitMs: 20_000 })
      const appended = performance.now()
      await append(0, 'news')
      const [fetched] = await waiting
      expect([...fetched!.batch][0]!.value!.toString()).toBe('news')
      expect(performance.now() - appended).toBeLessThan(5000)
    })

    it('goes on where it was, and says so', async () => {
      const reader = await open.log.reader()
      await reader.assign([{ topic, partition: 0, offset: 'earliest' }])
      await append(0, 'a', 'b')
      const first = await reader.poll({ waitMs: 2000 })
      expect(first.at(-1)).toMatchObject({ topic, partition: 0, nextOffset: 2 })
      await append(0, 'c')
      const second = await reader.poll({ waitMs: 2000 })
      expect(second.flatMap(({ batch }) => [...batch].map(({ offset }) => offset))).toEqual([2])
      await reader.assign([{ topic, partition: 0, offset: first.at(-1)!.nextOffset }])
      const again = await reader.poll({ waitMs: 2000 })
      expect([...again[0]!.batch].at(-1)!.offset).toBe(2)
    })

    it('begins at the end when asked for the latest', async () => {
      await append(0, 'old')
      const reader = await open.log.reader()
      await reader.assign([{ topic, partition: 0, offset: 'latest' }])
      await append(0, 'new')
      const [fetched] = await reader.poll({ waitMs: 2000 })
      expect([...fetched!.batch].map(({ value }) => value!.toString())).toEqual(['new'])
    })

    it('reads only what was assigned last', async () => {
      const reader = await open.log.reader()
      await append(0, 'zero')
      await append(1, 'one')
      await reader.assign([{ topic, partition: 0, offset: 0 }])
      await reader.assign([{ topic, partition: 1, offset: 0 }])
      expect((await reader.poll({ waitMs: 2000 })).map(({ partition }) => partition)).toEqual([1])
      expect(await reader.poll({ waitMs: 50 })).toEqual([])
      await reader.assign([])
      expect(await reader.poll({ waitMs: 50 })).toEqual([])
    })

    it('limits one poll to some partitions', async () => {
      const reader = await open.log.reader()
      await append(0, 'zero')
      await append(1, 'one')
      await reader.assign([0, 1].map((partition) => ({ topic, partition, offset: 'earliest' })))
      const only = [{ topic, partition: 1 }]
      expect((await reader.poll({ waitMs: 2000, only })).map(({ partition }) => partition)).toEqual([1])
      expect(await reader.poll({ waitMs: 50, only })).toEqual([])
      expect((await reader.poll({ waitMs: 2000 })).map(({ partition }) => partition)).toEqual([0])
    })

    it('gives about as many bytes as asked, at least one batch, and no partition all of them', async () => {
      for (let index = 0; index < 5; index++) await append(0, 'x'.repeat(10_000))
      await append(1, 'one')
      await append(2, 'two')
      const reader = await open.log.reader({ maxBytes: 12_000 })
      await reader.assign([0, 1, 2].map((partition) => ({ topic, partition, offset: 'earliest' })))
      const seen = new Set<number>()
      let polls = 0
      while (seen.size < 3) {
        const fetched = await reader.poll({ waitMs: 2000 })
        expect(fetched.length).toBeGreaterThan(0)
        expect(fetched.reduce((sum, { batch }) => sum + batch.byteLength, 0)).toBeLessThan(25_000)
        for (const { partition } of fetched) seen.add(partition)
        expect(++polls).toBeLessThanOrEqual(3)
      }
      const small = await open.log.reader({ maxBytes: 1 })
      await small.assign([{ topic, partition: 0, offset: 0 }])
      expect(await small.poll({ waitMs: 2000 })).toHaveLength(1)
    })

    it('reads several partitions side by side, each in its order and each record once', async () => {
      const producer = await open.log.producer()
      for (let index = 0; index < 30; index++) {
        const partition = (index * 7 + (index >> 3)) % 3
        const texts = Array.from({ length: 1 + (index % 4) }, (_, more) => `${index} ${more}`.padEnd(index * 30))
        await producer.append([{ topic, partition, batch: batchOf(texts.map((text) => record(text))) }])
      }
      const reader = await open.log.reader({ maxBytes: 2000 })
      const { offsets } = (await open.log.describeTopics()).find((described) => described.topic === topic)!
      const positions = offsets.map(({ partition }) => ({ topic, partition, offset: partition }))
      await reader.assign(positions)
      const read = offsets.map((): number[] => [])
      while (read.some((list, partition) => (list.at(-1) ?? -1) < offsets[partition]!.end - 1)) {
        const fetched = await reader.poll({ waitMs: 2000 })
        expect(fetched.length).toBeGreaterThan(0)
        for (const { partition, batch } of fetched) {
          for (const { offset } of batch) if (offset >= partition) read[partition]!.push(offset)
        }
      }
      expect(read).toEqual(
        offsets.map(({ partition, end }) =>
          Array.from({ length: Math.max(0, end - partition) }, (_, i) => partition + i),
        ),
      )
      expect(await reader.poll()).toEqual([])
    })

    it('ends a wait when aborted or closed', async () => {
      const reader = await open.log.reader()
      await reader.assign([{ topic, partition: 0, offset: 'earliest' }])
      const stop = new AbortController()
      const aborted = reader.poll({ waitMs: 20_000, signal: stop.signal })
      stop.abort()
      expect(await aborted).toEqual([])
      expect(await reader.poll({ waitMs: 20_000, signal: stop.signal })).toEqual([])
      const closed = reader.poll({ waitMs: 20_000 })
      await reader.close()
      expect(await closed).toEqual([])
      await expectFault(reader.poll(), 'closed')
      await expectFault(reader.assign([]), 'closed')
    })

    it('says when an offset does not exist, and reads the other partitions none the less', async () => {
      await append(0, 'a')
      await append(1, 'b')
      const reader = await open.log.reader()
      await reader.assign([
        { topic, partition: 0, offset: 5 },
        { topic, partition: 1, offset: 0 },
      ])
      const read: FetchedBatch[] = []
      // Where the partitions are with two brokers, the other's answer may be there before.
      const polls = async () => {
        for (let poll = 0; poll < 2; poll++) read.push(...(await reader.poll({ waitMs: 2000 })))
      }
      await expectFault(polls(), 'offset_out_of_range', topic, '5')
      const only = [{ topic, partition: 1 }]
      if (read.length === 0) read.push(...(await reader.poll({ waitMs: 2000, only })))
      expect(read).toEqual([expect.objectContaining({ topic, partition: 1, nextOffset: 1 })])
    })

    it('refuses partitions that are not there', async () => {
      const reader = await open.log.reader()
      await expectFault(reader.assign([{ topic, partition: 3, offset: 0 }]), 'unknown_topic', topic)
      await expectFault(reader.assign([{ topic: 'nowhere', partition: 0, offset: 0 }]), 'unknown_topic', 'nowhere')
    })
  })
}
