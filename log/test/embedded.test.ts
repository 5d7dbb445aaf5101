import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedLog } from '@syscribe/log'
import { logContract } from './contract/log-contract.js'

logContract('embedded log', {
  cleansAtOnce: true,
  atomicAppends: true,
  open: async (options) => {
    const path = mkdtempSync(join(tmpdir(), 'syscribe-log-'))
    let log = await openEmbeddedLog({ path, ...options })
    return {
      log,
      reopen: async () => {
        await log.close()
        log = await openEmbeddedLog({ path, ...options })
        return log
      },
      dispose: async () => {
        await log.close()
        rmSync(path, { recursive: true })
      },
    }
  },
})
