import type { Config } from '@syscribe/runtime'
import type { Logger } from 'pino'
import { type Health, serveMetrics } from '../metrics/serve-metrics.js'
import type { Surroundings } from '../surroundings.js'
import { checkCapture } from './check-capture.js'
import { checkDataDir } from './check-data-dir.js'
import { checkOutputs } from './check-outputs.js'
import { openClusterCapture } from './cluster-capture.js'
import { type Derivation, startDerivation } from './derivation.js'
import { openLocalCapture } from './local-capture.js'
import { stderrLogger } from './logger.js'
import { lockOutputs } from './output-lock.js'
import { ownProjectionTasks } from './own-projections.js'
import { readyLine } from './ready-line.js'
import { stopRequested } from './shutdown.js'

/**
 * Captures and derives until SIGINT or SIGTERM: capture in this thread, derivation in another at the lowest priority.
 * Resolves when everything captured before the signal is in the outputs.
 * @throws CliError, CaptureError, LogError; nothing is attached or written when the surroundings are at fault.
 */
export async function runSyscribe(config: Config, surroundings: Surroundings): Promise<void> {
  checkOutputs(config)
  checkDataDir(config.dataDir)
  // Loaded here only to see that they can be: the derivation thread loads its own.
  await ownProjectionTasks(config)
  checkCapture()
  const stop = stopRequested()
  const logger = stderrLogger(config.logLevel, 'collector')
  const locks = lockOutputs(config)
  try {
    for (const output of locks.unlocked) {
      logger.warn({ output }, 'no lock file can be made beside this output: see that nothing else writes it')
    }
    await captureAndDerive(config, surroundings, logger, stop)
  } finally {
    locks.release()
  }
}

async function captureAndDerive(
  config: Config,
  surroundings: Surroundings,
  logger: Logger,
  stop: Promise<NodeJS.Signals>,
): Promise<void> {
  const capture = config.brokers === null ? await openLocalCapture(config, logger) : openClusterCapture(config, logger)
  let derivation: Derivation | undefined
  let health: Health = { ready: false, detail: 'starting' }
  const derived = async () => (await derivation?.metrics()) ?? ''
  try {
    const server = await serveMetrics(config, [...capture.metrics, derived], () => health)
    try {
      derivation = await startDerivation({ config })
      await capture.start()
      health = { ready: true, detail: 'capturing and deriving' }
      await surroundings.stdout.write(readyLine(config, server, places(config)))
      const reason = await Promise.race([stop, capture.failed, derivation.failed])
      logger.info({ reason }, 'stopping')
      health = { ready: false, detail: 'stopping' }
      await capture.end()
      await derivation.drain()
    } catch (error) {
      await derivation?.abandon()
      throw error
    } finally {
      await server.close()
    }
  } finally {
    await capture.close()
  }
}

function places(config: Config): string[] {
  return [
    `HTTP log ${config.outputPath}`,
    `environments ${config.envOutputPath}`,
    `service map ${config.serviceMapPath ?? 'off (SERVICE_MAP_PATH)'}`,
    ...(config.ownProjections ?? []).map(({ module, target }) => `${module} ${target}`),
    `event log ${config.brokers === null ? config.dataDir : `brokers ${config.brokers.join(', ')}`}`,
  ]
}
