import { writeSync } from 'node:fs'
import { LogError, openEmbeddedLog } from '@syscribe/log'

// Reads the log as a user who may not.
process.setgroups!([])
process.setgid!(65534)
process.setuid!(65534)
const fault: unknown = await openEmbeddedLog({ path: process.argv[2]!, readOnly: true }).catch(
  (error: unknown) => error,
)
writeSync(1, fault instanceof LogError ? `${fault.code} ${fault.message}\n` : 'opened\n')
