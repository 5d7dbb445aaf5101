import { writeSync } from 'node:fs'
import { openKafkaLog } from '@syscribe/log'
import { Kafka, logLevel } from 'kafkajs'

// A member of a processor's group that has transactions open on all its partitions. Says how many it has when they change.
const [, , broker, prefix, group, topic] = process.argv as string[]
const log = await openKafkaLog({ brokers: [broker!], prefix: prefix!, sessionTimeoutMs: 6000 })
const kafka = new Kafka({ brokers: [broker!], logLevel: logLevel.NOTHING })

async function leaveOpen(partition: number): Promise<void> {
  const producer = kafka.producer({
    transactionalId: `${prefix}${group}/${partition}`,
    transactionTimeout: 300_000,
    idempotent: true,
    maxInFlightRequests: 1,
  })
  await producer.connect()
  const transaction = await producer.transaction()
  const topics = [{ topic: `${prefix}${topic}`, partitions: [{ partition, offset: '0' }] }]
  await transaction.sendOffsets({ consumerGroupId: `${prefix}${group}`, topics })
}

let first = true
await log.groupMember({
  group: group!,
  topics: [topic!],
  onAssignment: async (assigned) => {
    if (first) await Promise.all(assigned.map(({ partition }) => leaveOpen(partition)))
    first = false
    writeSync(1, `has ${assigned.length}\n`)
  },
})
