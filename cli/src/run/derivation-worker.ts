import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { openEmbeddedLog } from '@syscribe/log'
import { createPipeline, prepareTopics, SpareTime, topicSettings } from '@syscribe/runtime'
import { explainError } from '../explain-error.js'
import { serveControl } from './control-server.js'
import type { DerivationInput, DerivationOrder, DerivationReport } from './derivation-messages.js'
import { rememberOutputs } from './last-outputs.js'
import { stderrLogger } from './logger.js'
import { processors, projectionTasks } from './parts.js'
import { rawTopics } from './raw-topics.js'

// The derivation thread: processors and projections, behind capture and below it in priority. It writes the derived
// side of the log only, so it never holds a lock that capture waits for.

const { config } = workerData as DerivationInput
const logger = stderrLogger(config.logLevel, 'derivation')

function report(message: DerivationReport): void {
  parentPort?.postMessage(message)
}

/** On Linux a priority belongs to a thread (setpriority(2), "C library/kernel differences"): only this one changes. */
function setNice(nice: number): void {
  try {
    setPriority(0, nice)
  } catch (error) {
    logger.warn({ err: error, nice }, 'cannot set the priority of the derivation')
  }
}

async function run(): Promise<void> {
  const log = await openEmbeddedLog({
    path: config.dataDir,
    writes: 'derived',
    onCleanFault: (fault) => logger.error({ err: fault }, 'cleaning derived topics failed'),
  })
  try {
    const settings = topicSettings({ retentionBytes: config.retentionBytes, retentionMs: config.retentionMs })
    await prepareTopics(log, settings, (topic) => !rawTopics.has(topic))
    const pipeline = await createPipeline({
      log,
      logger,
      processors,
      projections: projectionTasks(config),
      spareTime: new SpareTime(),
    })
    const ordered = new Promise<void>((resolve) => {
      parentPort?.on('message', (order: DerivationOrder) => {
        if (order === 'drain') resolve()
      })
    })
    rememberOutputs(config)
    const control = await serveControl(config.dataDir, pipeline, logger)
    report({ event: 'open' })
    try {
      await Promise.race([ordered, pipeline.done])
    } finally {
      await control.close()
    }
    setNice(0) // somebody waits for the end of it
    await pipeline.drain()
    await pipeline.close()
  } finally {
    await log.close()
  }
  report({ event: 'drained' })
}

setNice(19)
run().then(
  () => parentPort?.close(),
  (error: unknown) => {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
    report({ event: 'failed', message: explainError(error)?.message ?? stack })
    parentPort?.close()
  },
)
