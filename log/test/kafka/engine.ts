import { randomBytes } from 'node:crypto'
import { type KafkaLogOptions, openKafkaLog } from '@syscribe/log'
import type { Engine } from '../contract/contract-log.js'

/** A prefix that no other test uses. */
export function randomPrefix(): string {
  return `test-${randomBytes(6).toString('hex')}.`
}

/** The Kafka engine as the contract takes it, each log under a prefix of its own. */
export function kafkaEngine(given: () => Pick<KafkaLogOptions, 'brokers' | 'registry'>): Engine {
  return {
    cleansAtOnce: false,
    atomicAppends: false,
    open: async ({ maxBatchBytes } = {}) => {
      const options = { ...given(), prefix: randomPrefix(), maxBatchBytes }
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
  }
}
