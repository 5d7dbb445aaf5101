import { createMemoryLog } from '@syscribe/log'
import { logContract } from './contract/log-contract.js'

logContract('memory log', {
  cleansAtOnce: true,
  atomicAppends: true,
  open: async (options) => {
    const log = createMemoryLog(options)
    return { log, dispose: () => log.close() }
  },
})
