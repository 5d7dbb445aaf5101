import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { CliError } from '../cli-error.js'
import type { DerivationInput, DerivationOrder, DerivationReport } from './derivation-messages.js'

export interface Derivation {
  /** Resolves when all of its parts are open; on a cluster that may be when the brokers are there. Never rejects. */
  readonly opened: Promise<void>
  /** Rejects when the thread cannot go on, in whatever way it ended. Never resolves. */
  readonly failed: Promise<never>
  /** Metrics of its parts, as text; none before they are open. */
  metrics(): Promise<string>
  /** After capture: derives what is left in the log, commits, and ends the thread. */
  drain(): Promise<void>
  /** Ends the thread now. What it has committed stays. */
  abandon(): Promise<void>
}

/**
 * Megabytes of heap below which V8 does not look through the old generation. Batches that pass through count there, so
 * by its own measure it would every few megabytes, which took a sixth of the derivation's processor time.
 */
const calmHeap = 128

/** Starts the derivation thread. */
export function startDerivation(input: DerivationInput): Derivation {
  // A heap takes its sizes from the flags when it is made: this thread's stays as it is.
  setFlagsFromString(`--initial-heap-size=${calmHeap}`)
  const worker = new Worker(new URL('./derivation-worker.js', import.meta.url), {
    workerData: input,
    name: 'derivation',
  })
  let drained = false
  const failed = new Promise<never>((_, reject) => {
    worker.on('message', (report: DerivationReport) => {
      if (report.event === 'drained') drained = true
      if (report.event === 'failed') reject(new CliError('fault', `the outputs cannot be derived: ${report.message}`))
    })
    worker.on('error', (cause) => {
      reject(new CliError('fault', `the derivation thread failed: ${cause.stack ?? cause.message}`, { cause }))
    })
    worker.on('exit', (code) => {
      if (!drained) reject(new CliError('fault', `the derivation thread ended unexpectedly (exit code ${code})`))
    })
  })
  failed.catch(() => {})
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))

  let isOpen = false
  const opened = new Promise<void>((resolve) => {
    worker.on('message', (report: DerivationReport) => {
      if (report.event !== 'open') return
      isOpen = true
      resolve()
    })
  })
  return {
    opened,
    failed,
    async metrics() {
      if (!isOpen) return ''
      const told = new Promise<string>((resolve) => {
        const onReport = (report: DerivationReport) => {
          if (report.event !== 'metrics') return
          worker.off('message', onReport)
          resolve(report.text)
        }
        worker.on('message', onReport)
      })
      worker.postMessage('metrics' satisfies DerivationOrder)
      return Promise.race([told, exited.then(() => '')])
    },
    async drain() {
      worker.postMessage('drain' satisfies DerivationOrder)
      await Promise.race([exited, failed])
      if (!drained) await failed
    },
    async abandon() {
      drained = true
      await worker.terminate()
    },
  }
}
