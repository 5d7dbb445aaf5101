import { writeSync } from 'node:fs'
import { openEmbeddedLog } from '@syscribe/log'
import { numbered } from './numbered.js'

// Writes numbered records until it is killed: `raw N` says that all below N are acknowledged, `derived N` that N
// transactions are. Continues where the log ends.
const path = process.argv[2]!
const keep = { cleanup: 'delete', retentionMs: null } as const
const log = await openEmbeddedLog({ path, rawTopics: (topic) => topic === 'raw', cleanIntervalMs: 20 })
await log.createTopics([
  { topic: 'raw', partitions: 1, retentionBytes: 4_000_000, ...keep },
  { topic: 'a', partitions: 1, retentionBytes: null, ...keep },
  { topic: 'b', partitions: 2, retentionBytes: null, ...keep },
])
const [group] = await log.committed('group')
let transactions = group?.offset ?? 0
let next = (await log.describeTopics()).find(({ topic }) => topic === 'raw')!.offsets[0]!.end
const say = (text: string) => writeSync(1, `${text}\n`)
say(`ready ${process.pid}`)

async function appendRaw(): Promise<void> {
  const producer = await log.producer()
  for (;;) {
    const sizes = [1 + (next % 7), 1 + (next % 3)]
    const batches = sizes.map((count) => {
      const batch = numbered(next, count, (next * 37) % 20_000)
      next += count
      return { topic: 'raw', partition: 0, batch }
    })
    const until = next
    await producer.append(batches)
    say(`raw ${until}`)
  }
}

async function derive(): Promise<void> {
  const producer = await log.producer({ transactionalId: 'id' })
  for (;;) {
    const number = transactions++
    await producer.commit({
      batches: [
        { topic: 'a', partition: 0, batch: numbered(number, 1, (number * 61) % 9000) },
        { topic: 'b', partition: 0, batch: numbered(number, 1, 10) },
        { topic: 'b', partition: 1, batch: numbered(number, 1, 0) },
      ],
      group: 'group',
      offsets: [{ topic: 'raw', partition: 0, offset: transactions, metadata: `state after ${number}` }],
    })
    say(`derived ${transactions}`)
  }
}

await Promise.all([appendRaw(), derive()])
