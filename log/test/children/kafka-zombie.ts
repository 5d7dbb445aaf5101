import { writeSync } from 'node:fs'
import { openKafkaLog } from '@syscribe/log'
import { batchOf, record } from '../contract/contract-log.js'

// A member of a group that commits whenever it is told to by a line; it says what it has and what became of a commit.
const [, , brokers, prefix] = process.argv as string[]
const log = await openKafkaLog({ brokers: [brokers!], prefix: prefix!, sessionTimeoutMs: 6000 })
const producer = await log.producer({ transactionalId: 'worker' })
await log.groupMember({
  group: 'workers',
  topics: ['in'],
  onAssignment: async (assigned) => void writeSync(1, `has ${assigned.length}\n`),
})
process.stdin.on('data', async () => {
  const batches = [{ topic: 'out', partition: 0, batch: batchOf([record('zombie')]) }]
  const offsets = [{ topic: 'in', partition: 0, offset: 100, metadata: '' }]
  const said = await producer.commit({ batches, group: 'workers', offsets }).then(
    () => 'committed',
    (error) => error.code,
  )
  writeSync(1, `${said}\n`)
})
