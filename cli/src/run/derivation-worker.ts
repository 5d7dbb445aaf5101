import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { type Log, LogError, openEmbeddedLog } from '@syscribe/log'
import {
  createPipeline,
  Metrics,
  type PipelineOptions,
  prepareTopics,
  type Running,
  runLive,
  SpareTime,
  topicSettings,
} from '@syscribe/runtime'
import { createTopics } from '../cluster/create-topics.js'
import { explainError } from '../explain-error.js'
import { textOfAll } from '../metrics/metrics-source.js'
import { partMetricsSource } from '../metrics/part-metrics.js'
import { openClusterLog } from '../open-log.js'
import { serveControl } from './control-server.js'
import type { DerivationInput, DerivationOrder, DerivationReport } from './derivation-messages.js'
import { rememberOutputs } from './last-outputs.js'
import { stderrLogger } from './logger.js'
import { allProjectionTasks } from './own-projections.js'
import { processors } from './parts.js'
import { rawTopics } from './raw-topics.js'

// The derivation thread: processors and projections, behind capture and below it in priority. It writes the derived
// side of the log only, so it never holds a lock that capture waits for.

const { config } = workerData as DerivationInput
const logger = stderrLogger(config.logLevel, 'derivation')
/** Milliseconds. */
const openRetryMs = 1_000

function report(message: DerivationReport): void {
  parentPort?.postMessage(message)
}

/** On Linux a priority belongs to a thread (setpriority(2), "C library/kernel differences"): only this one changes. */
function setNice(nice: number): void {
  try {
    setPriority(0, nice)
  } catch (error) {
    if (niceRefused) return
    niceRefused = true
    const { code } = error as NodeJS.ErrnoException
    logger.info({ code, nice }, 'the priority of the derivation cannot be set (CAP_SYS_NICE): it stays as it is')
  }
}
let niceRefused = false

async function run(): Promise<void> {
  const metrics = new Metrics()
  const parts: Parts = {
    logger,
    metrics,
    spareTime: new SpareTime(),
    processors,
    projections: await allProjectionTasks(config),
  }
  const { log, running, release } = config.brokers === null ? await runHere(parts) : await runOnCluster(parts)
  try {
    const source = partMetricsSource(metrics, () => running.status())
    const ordered = new Promise<void>((resolve) => {
      parentPort?.on('message', (order: DerivationOrder) => {
        if (order === 'drain') resolve()
        else void textOfAll([source]).then((text) => report({ event: 'metrics', text }))
      })
    })
    report({ event: 'open' })
    try {
      await Promise.race([ordered, running.done])
    } finally {
      await release()
    }
    setNice(0) // somebody waits for the end of it
    await running.drain()
    await running.close()
  } finally {
    await log.close()
  }
  report({ event: 'drained' })
}

async function openDerivedLog(): Promise<Log> {
  const log = await openEmbeddedLog({
    path: config.dataDir,
    writes: 'derived',
    onCleanFault: (fault) => logger.error({ err: fault }, 'cleaning derived topics failed'),
  })
  try {
    const settings = topicSettings({ retentionBytes: config.retentionBytes, retentionMs: config.retentionMs })
    await prepareTopics(log, settings, (topic) => !rawTopics.has(topic))
    return log
  } catch (error) {
    await log.close()
    throw error
  }
}

type Parts = Omit<PipelineOptions, 'log'>

interface RunningParts {
  log: Log
  running: Running
  /** Before the parts end. */
  release(): Promise<void>
}

/** All in one loop, on the embedded log; a replay is asked for by the socket in the data directory. */
async function runHere(parts: Parts): Promise<RunningParts> {
  const log = await openDerivedLog()
  try {
    const pipeline = await createPipeline({ ...parts, log })
    rememberOutputs(config)
    const control = await serveControl(config.dataDir, pipeline, logger)
    return { log, running: pipeline, release: () => control.close() }
  } catch (error) {
    await log.close()
    throw error
  }
}

/**
 * As members of the cluster's groups: what other processes run there shares the work. Brokers that are away are waited
 * for: what is captured is safe meanwhile.
 */
async function runOnCluster(parts: Parts): Promise<RunningParts> {
  for (let said = ''; ; ) {
    let log: Log | undefined
    try {
      log = await openClusterLog(config)
      await createTopics(log, config)
      const running = await runLive({ ...parts, log, ...(config.group !== null && { group: config.group }) })
      return { log, running, release: async () => {} }
    } catch (error) {
      await log?.close()
      if (!(error instanceof LogError) || error.code !== 'unavailable') throw error
      if (error.message !== said) logger.warn({ err: error }, 'the parts cannot start yet; it is tried again')
      said = error.message
      await new Promise((resolve) => setTimeout(resolve, openRetryMs))
    }
  }
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
