import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  batchOf,
  type ContractLog,
  type Engine,
  expectFault,
  record,
  settings,
  unique,
  values,
} from './contract-log.js'

export function topicContract(engine: Engine): void {
  describe('topics and schemas', () => {
    let open: ContractLog
    beforeEach(async () => {
      open = await engine.open()
    })
    afterEach(() => open.dispose())

    it('creates topics, and again without harm', async () => {
      const { log } = open
      const one = settings(unique('one'), { partitions: 3, retentionMs: 60_000, retentionBytes: 1_000_000 })
      const two = settings(unique('two'), { cleanup: 'compact' })
      await log.createTopics([one, two])
      await log.createTopics([two, one])
      const described = await log.describeTopics()
      const {
        offsets,
        maxRecordBytes = Number.POSITIVE_INFINITY,
        ...described1
      } = described.find(({ topic }) => topic === one.topic)!
      expect(described1).toEqual(one)
      expect(maxRecordBytes).toBeGreaterThan(0)
      expect(offsets.map(({ partition, start, end }) => ({ partition, start, end }))).toEqual(
        [0, 1, 2].map((partition) => ({ partition, start: 0, end: 0 })),
      )
      expect(described.find(({ topic }) => topic === two.topic)).toMatchObject(two)
    })

    it('names the setting in which an existing topic differs, and creates none of the call', async () => {
      const { log } = open
      const topic = unique('differs')
      const other = unique('other')
      await log.createTopics([settings(topic, { retentionMs: 5000 })])
      for (const [name, change] of [
        ['partitions', { partitions: 2 }],
        ['cleanup', { cleanup: 'compact' }],
        ['retentionMs', { retentionMs: null }],
        ['retentionBytes', { retentionBytes: 9 }],
      ] as const) {
        const wanted = settings(topic, { retentionMs: 5000, ...change })
        await expectFault(log.createTopics([settings(other), wanted]), 'topic_mismatch', topic, name)
      }
      expect((await log.describeTopics()).map((described) => described.topic)).not.toContain(other)
    })

    it('changes how long records are kept, and nothing else of a topic', async () => {
      const { log } = open
      const topic = unique('kept')
      const before = settings(topic, { partitions: 2, retentionMs: 5000 })
      await log.createTopics([before])
      await log.setRetention(topic, { retentionMs: null, retentionBytes: 77 })
      const after = { ...before, retentionMs: null, retentionBytes: 77 }
      expect((await log.describeTopics()).find((described) => described.topic === topic)).toMatchObject(after)
      await log.createTopics([after])
      await expectFault(log.setRetention(topic, { retentionMs: -1, retentionBytes: null }), 'invalid', 'retentionMs')
      await expectFault(log.setRetention(unique('none'), { retentionMs: 1, retentionBytes: null }), 'unknown_topic')
    })

    it('refuses names and settings that no engine takes', async () => {
      const { log } = open
      for (const name of ['', 'a b', 'a/b', '..', 'x'.repeat(250), 'é']) {
        await expectFault(log.createTopics([settings(name)]), 'invalid')
      }
      await expectFault(log.createTopics([settings('p', { partitions: 0 })]), 'invalid', 'partitions')
      await expectFault(log.createTopics([settings('p', { partitions: 1.5 })]), 'invalid', 'partitions')
      await expectFault(log.createTopics([settings('p', { retentionMs: -1 })]), 'invalid', 'retentionMs')
      await expectFault(log.createTopics([settings('p', { retentionBytes: 0.5 })]), 'invalid', 'retentionBytes')
    })

    it('tells the offsets of each partition', async () => {
      const { log } = open
      const topic = unique('described')
      await log.createTopics([settings(topic, { partitions: 2 })])
      const producer = await log.producer()
      await producer.append([{ topic, partition: 1, batch: batchOf([record('a'), record('b')]) }])
      const { offsets } = (await log.describeTopics()).find((described) => described.topic === topic)!
      expect(offsets).toEqual([
        { partition: 0, start: 0, end: 0, bytes: 0 },
        { partition: 1, start: 0, end: 2, bytes: expect.any(Number) },
      ])
      expect(offsets[1]!.bytes).toBeGreaterThan(2)
    })

    it('deletes a topic with its records and committed offsets', async () => {
      const { log } = open
      const topic = unique('deleted')
      const kept = unique('kept')
      const group = unique('group')
      await log.createTopics([settings(topic), settings(kept)])
      const producer = await log.producer({ transactionalId: unique('id') })
      await producer.commit({
        batches: [
          { topic, partition: 0, batch: batchOf([record('old')]) },
          { topic: kept, partition: 0, batch: batchOf([record('kept')]) },
        ],
        group,
        offsets: [
          { topic, partition: 0, offset: 1, metadata: '' },
          { topic: kept, partition: 0, offset: 1, metadata: '' },
        ],
      })
      await log.deleteTopic(topic)
      await log.deleteTopic(topic)
      const reader = await log.reader()
      await expectFault(reader.assign([{ topic, partition: 0, offset: 0 }]), 'unknown_topic', topic)
      await log.createTopics([settings(topic)])
      expect(await values(log, topic)).toEqual([])
      expect(await values(log, kept)).toEqual(['kept'])
      expect((await log.committed(group)).map((committed) => committed.topic)).toEqual([kept])
    })

    it('gives one id to a schema text and finds it again', async () => {
      const { log } = open
      const [one, two] = [unique('one'), unique('two')]
      await log.createTopics([settings(one), settings(two)])
      const record = { type: 'record', name: unique('A').replace('-', '_'), fields: [{ name: 'a', type: 'long' }] }
      const union = [record, { ...record, name: `${record.name}B` }]
      const id = await log.registerSchema(one, record)
      expect(id).toBeGreaterThanOrEqual(1)
      expect(await log.registerSchema(one, { ...record })).toBe(id)
      const other = await log.registerSchema(one, union)
      expect(other).not.toBe(id)
      expect(await log.schema(id)).toEqual(record)
      expect(await log.schema(other)).toEqual(union)
      expect(await log.schema(await log.registerSchema(two, record))).toEqual(record)
    })

    it('names what it does not know', async () => {
      const { log } = open
      await expectFault(log.schema(987_654), 'unknown_schema', '987654')
      await expectFault(log.registerSchema('no-such-topic', {}), 'unknown_topic', 'no-such-topic')
      await expectFault(log.offsetForTime('no-such-topic', 0, 0), 'unknown_topic', 'no-such-topic')
    })

    it('refuses everything once closed', async () => {
      const { log } = open
      const producer = await log.producer()
      const reader = await log.reader()
      await log.close()
      await expectFault(log.describeTopics(), 'closed')
      await expectFault(log.createTopics([]), 'closed')
      await expectFault(log.producer(), 'closed')
      await expectFault(producer.append([]), 'closed')
      await expectFault(reader.poll(), 'closed')
      await log.close()
    })
  })
}
