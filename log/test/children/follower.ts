import { writeSync } from 'node:fs'
import { openEmbeddedLog } from '@syscribe/log'
import { numbersOf } from './numbered.js'

// Reads a topic in another process while it is written; `idle` says what two seconds of waiting cost, in ms of CPU.
const log = await openEmbeddedLog({ path: process.argv[2]!, readOnly: true })
const reader = await log.reader()
await reader.assign([{ topic: process.argv[3]!, partition: 0, offset: 'earliest' }])
writeSync(1, 'open\n')
for (;;) {
  const before = process.cpuUsage()
  const fetched = await reader.poll({ waitMs: 2000 })
  const { user, system } = process.cpuUsage(before)
  if (fetched.length === 0) writeSync(1, `idle ${(user + system) / 1000}\n`)
  for (const { batch } of fetched) writeSync(1, `read ${numbersOf(batch).join(' ')}\n`)
}
