import { writeSync } from 'node:fs'
import { openEmbeddedLog } from '@syscribe/log'

// Opens the log for writing and keeps it until it is killed.
const writes = process.argv[3] as 'both' | 'raw' | 'derived'
await openEmbeddedLog({ path: process.argv[2]!, writes })
writeSync(1, 'open\n')
setInterval(() => undefined, 1000)
