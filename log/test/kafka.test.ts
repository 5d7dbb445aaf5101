import { randomBytes } from 'node:crypto'
import { openKafkaLog } from '@syscribe/log'
import { type TestBroker, testBroker } from '@syscribe/test-broker'
import { afterAll, beforeAll } from 'vitest'
import { logContract } from './contract/log-contract.js'

let broker: TestBroker
beforeAll(async () => {
  broker = await testBroker()
}, 300_000)
afterAll(() => broker.stop())

logContract('kafka log', {
  cleansAtOnce: false,
  atomicAppends: false,
  open: async ({ maxBatchBytes } = {}) => {
    const options = { brokers: broker.brokers, prefix: `test-${randomBytes(6).toString('hex')}.`, maxBatchBytes }
    let log = await openKafkaLog(options)
    return {
      log,
      reopen: async () => {
        await log.close()
        log = await openKafkaLog(options)
        return log
      },
      dispose: async () => {
        const left = await openKafkaLog(options)
        for (const { topic } of await left.describeTopics()) await left.deleteTopic(topic)
        await left.close()
        await log.close()
      },
    }
  },
})
