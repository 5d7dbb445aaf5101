import { openEmbeddedLog } from '@syscribe/log'
import { numbered } from './numbered.js'

// Ends the process while commits are under way.
const log = await openEmbeddedLog({ path: process.argv[2]! })
await log.createTopics([{ topic: 'http', partitions: 1, cleanup: 'delete', retentionMs: null, retentionBytes: null }])
const producer = await log.producer()
const append = (number: number) => producer.append([{ topic: 'http', partition: 0, batch: numbered(number, 1, 1e6) }])
await append(0)
for (let number = 1; number < 20; number++) void append(number)
setTimeout(() => process.exit(7), Number(process.argv[3]))
