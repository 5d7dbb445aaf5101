import { constants } from 'node:os'

/**
 * Resolves at the first SIGINT or SIGTERM. The second ends the process at once: everything committed stays, and the
 * rest is derived again at the next start.
 */
export function stopRequested(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first = true
    const onSignal = (signal: NodeJS.Signals) => {
      if (!first) process.exit(128 + constants.signals[signal])
      first = false
      resolve(signal)
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}
