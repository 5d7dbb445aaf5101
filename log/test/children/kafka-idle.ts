import { writeSync } from 'node:fs'
import { openKafkaLog } from '@syscribe/log'

// Everything an idle processor holds; `idle` says what three seconds of waiting cost, in ms of CPU.
const [, , brokers, prefix, topic] = process.argv as string[]
const log = await openKafkaLog({ brokers: [brokers!], prefix: prefix! })
const member = await log.groupMember({ group: 'idle', topics: [topic!], onAssignment: async () => undefined })
const producer = await log.producer({ transactionalId: 'idle' })
await producer.committed('idle')
const reader = await log.reader()
await reader.assign([{ topic: topic!, partition: 0, offset: 'earliest' }])
await reader.poll()
for (let round = 0; round < 3; round++) {
  const before = process.cpuUsage()
  await reader.poll({ waitMs: 3000 })
  const { user, system } = process.cpuUsage(before)
  writeSync(1, `idle ${(user + system) / 1000}\n`)
}
await member.close()
await log.close()
writeSync(1, 'closed\n')
