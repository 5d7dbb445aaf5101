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

export function transactionContract(engine: Engine): void {
  describe('transactions', () => {
    let open: ContractLog
    let input: string
    let output: string
    let group: string
    let id: string
    beforeEach(async () => {
      open = await engine.open()
      input = unique('input')
      output = unique('output')
      group = unique('group')
      id = unique('id')
      await open.log.createTopics([settings(input, { partitions: 2 }), settings(output, { partitions: 2 })])
    })
    afterEach(() => open.dispose())

    const out = (partition: number, ...texts: string[]) => ({
      topic: output,
      partition,
      batch: batchOf(texts.map((text) => record(text))),
    })
    const at = (partition: number, offset: number, metadata = '') => ({ topic: input, partition, offset, metadata })

    it('commits outputs, offsets and their metadata together', async () => {
      const { log } = open
      const producer = await log.producer({ transactionalId: id })
      expect(await producer.committed(group)).toEqual([])
      await producer.commit({ batches: [out(0, 'a', 'b'), out(1, 'c')], group, offsets: [at(0, 5, '{"s":1}')] })
      await producer.commit({ batches: [out(0, 'd')], group, offsets: [at(0, 6), at(1, 2, 'é'.repeat(1000))] })
      expect(await values(log, output, 0)).toEqual(['a', 'b', 'd'])
      expect(await values(log, output, 1)).toEqual(['c'])
      const expected = [at(0, 6), at(1, 2, 'é'.repeat(1000))]
      expect(await producer.committed(group)).toEqual(expected)
      expect(await log.committed(group)).toEqual(expected)
      expect(await log.committed(unique('other'))).toEqual([])
    })

    it('commits only offsets, or only outputs', async () => {
      const { log } = open
      const producer = await log.producer({ transactionalId: id })
      await producer.commit({ batches: [], group, offsets: [at(1, 9)] })
      await producer.commit({ batches: [out(1, 'x')], group, offsets: [] })
      await producer.commit({ batches: [], group, offsets: [] })
      expect(await log.committed(group)).toEqual([at(1, 9)])
      expect(await values(log, output, 1)).toEqual(['x'])
    })

    it('does nothing of a transaction that fails', async () => {
      const { log } = open
      const producer = await log.producer({ transactionalId: id })
      const bad = { ...out(0, 'bad'), partition: 9 }
      await expectFault(producer.commit({ batches: [out(0, 'a'), bad], group, offsets: [at(0, 1)] }), 'unknown_topic')
      const nowhere = { topic: 'nowhere', partition: 0, offset: 1, metadata: '' }
      await expectFault(producer.commit({ batches: [out(0, 'a')], group, offsets: [nowhere] }), 'unknown_topic')
      await expectFault(producer.commit({ batches: [out(0, 'a')], group, offsets: [at(0, -1)] }), 'invalid')
      await expectFault(producer.commit({ batches: [out(0, 'a')], group: '', offsets: [at(0, 1)] }), 'invalid')
      expect(await values(log, output)).toEqual([])
      expect(await log.committed(group)).toEqual([])
      const next = await log.producer({ transactionalId: id })
      await next.commit({ batches: [out(0, 'good')], group, offsets: [at(0, 1)] })
      expect(await values(log, output)).toEqual(['good'])
    })

    it('keeps metadata of 64 KiB and refuses more', async () => {
      const { log } = open
      const producer = await log.producer({ transactionalId: id })
      const most = 'm'.repeat(64 * 1024)
      await producer.commit({ batches: [], group, offsets: [at(0, 1, most)] })
      expect((await log.committed(group))[0]!.metadata).toBe(most)
      await expectFault(producer.commit({ batches: [], group, offsets: [at(0, 2, `${most}m`)] }), 'record_too_large')
      expect((await log.committed(group))[0]!.offset).toBe(1)
    })

    it('is for transactional producers', async () => {
      const producer = await open.log.producer()
      await expectFault(producer.commit({ batches: [out(0, 'a')], group, offsets: [] }), 'invalid', 'transactionalId')
      expect(await values(open.log, output)).toEqual([])
    })

    it('fences the older producer of an id', async () => {
      const { log } = open
      const older = await log.producer({ transactionalId: id })
      await older.commit({ batches: [out(0, 'older')], group, offsets: [at(0, 1)] })
      const newer = await log.producer({ transactionalId: id })
      const other = await log.producer({ transactionalId: unique('other') })
      expect(await newer.committed(group)).toEqual([at(0, 1)])
      await expectFault(older.commit({ batches: [out(0, 'no')], group, offsets: [at(0, 2)] }), 'fenced', id)
      await expectFault(older.append([out(0, 'no')]), 'fenced', id)
      await newer.commit({ batches: [out(0, 'newer')], group, offsets: [at(0, 3)] })
      await other.append([out(0, 'other')])
      expect(await values(log, output)).toEqual(['older', 'newer', 'other'])
      expect(await log.committed(group)).toEqual([at(0, 3)])
    })

    it('forgets a group', async () => {
      const { log } = open
      const producer = await log.producer({ transactionalId: id })
      const other = `${group}x`
      await producer.commit({ batches: [], group, offsets: [at(0, 1), at(1, 1)] })
      await producer.commit({ batches: [], group: other, offsets: [at(0, 7)] })
      await log.deleteGroup(group)
      await log.deleteGroup(group)
      expect(await log.committed(group)).toEqual([])
      expect(await log.committed(other)).toEqual([at(0, 7)])
    })
  })
}
