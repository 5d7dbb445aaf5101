import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { batchOf, type ContractLog, type Engine, record, settings, unique } from './contract-log.js'

export function timeContract(engine: Engine): void {
  describe('offset for a time', () => {
    let open: ContractLog
    beforeEach(async () => {
      open = await engine.open()
    })
    afterEach(() => open.dispose())

    it('is the end of an empty partition', async () => {
      const topic = unique('empty')
      await open.log.createTopics([settings(topic)])
      expect(await open.log.offsetForTime(topic, 0, 0)).toBe(0)
    })

    it('is that of the first record at or after it, also when times go back', async () => {
      const { log } = open
      const steps = fc.integer({ min: -3000, max: 5000 })
      const batches = fc.array(fc.array(steps, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 12 })
      await fc.assert(
        fc.asyncProperty(batches, fc.integer({ min: -5000, max: 60_000 }), async (appended, wanted) => {
          const topic = unique('times')
          await log.createTopics([settings(topic)])
          const producer = await log.producer()
          const times: number[] = []
          let now = 1_700_000_000_000
          for (const batch of appended) {
            const stamps = batch.map((step) => {
              now += step
              return now
            })
            times.push(...stamps)
            await producer.append([
              { topic, partition: 0, batch: batchOf(stamps.map((timestamp) => record('v', null, timestamp))) },
            ])
          }
          const asked = 1_700_000_000_000 + wanted
          const first = times.findIndex((time) => time >= asked)
          expect(await log.offsetForTime(topic, 0, asked)).toBe(first < 0 ? times.length : first)
        }),
        { numRuns: 60 },
      )
    })
  })
}
