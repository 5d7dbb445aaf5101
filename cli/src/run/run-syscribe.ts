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
  const cluster = config.brokers === null ? null : openClusterCapture(config, logger)
  const capture = cluster ?? (await openLocalCapture(config, logger))
  let derivation: Derivation | undefined
  let phase: 'starting' | 'capturing' | 'deriving too' | 'stopping' = 'starting'
  const health = (): Health => {
    if (phase === 'starting' || phase === 'stopping') return { ready: false, detail: phase }
    if (cluster?.connected === false) return { ready: true, detail: 'capturing into the spool: the brokers are away' }
    return {
      ready: true,
      detail: phase === 'capturing' ? 'capturing; the parts are starting' : 'capturing and deriving',
    }
  }
  const derived = async () => (await derivation?.metrics()) ?? ''
  try {
    const server = await serveMetrics(config, [...capture.metrics, derived], health)
    try {
      derivation = startDerivation({ config })
      const derives = derivation.opened.then(() => {
        phase = 'deriving too'
      })
      // What is captured waits in the spool for brokers and parts; without one, the outputs must be open first.
      if (cluster === null) await Promise.race([derives, derivation.failed])
      await capture.start()
      if (phase === 'starting') phase = 'capturing'
      await surroundings.stdout.write(readyLine(config, server, places(config)))
      const reason = await Promise.race([stop, capture.failed, derivation.failed])
      logger.info({ reason }, 'stopping')
      phase = 'stopping'
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
