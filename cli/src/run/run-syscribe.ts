import { openEmbeddedLog } from '@syscribe/log'
import { type Config, prepareTopics, topicSettings } from '@syscribe/runtime'
import type { Logger } from 'pino'
import type { Surroundings } from '../surroundings.js'
import { checkCapture, startCapture } from './capture.js'
import { checkDataDir } from './check-data-dir.js'
import { checkOutputs } from './check-outputs.js'
import { containerNaming } from './container-naming.js'
import { startDerivation } from './derivation.js'
import { stderrLogger } from './logger.js'
import { lockOutputs } from './output-lock.js'
import { rawTopics } from './raw-topics.js'
import { stopRequested } from './shutdown.js'

/**
 * Captures and derives until SIGINT or SIGTERM: capture in this thread, derivation in another at the lowest priority.
 * Resolves when everything captured before the signal is in the outputs.
 * @throws CliError, CaptureError, LogError; nothing is attached or written when the surroundings are at fault.
 */
export async function runSyscribe(config: Config, surroundings: Surroundings): Promise<void> {
  checkOutputs(config)
  checkDataDir(config.dataDir)
  checkCapture()
  const stop = stopRequested()
  const logger = stderrLogger(config.logLevel, 'collector')
  const unnamed = containerNaming(config)
  if (unnamed !== null) logger.warn(unnamed)
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
  const log = await openEmbeddedLog({
    path: config.dataDir,
    writes: 'raw',
    onCleanFault: (fault) => logger.error({ err: fault }, 'cleaning raw topics failed'),
  })
  try {
    const settings = topicSettings({ retentionBytes: config.retentionBytes, retentionMs: config.retentionMs })
    await prepareTopics(
      log,
      settings.filter(({ topic }) => rawTopics.has(topic)),
    )
    const derivation = await startDerivation({ config })
    try {
      const collector = await startCapture(log, config, logger)
      try {
        await surroundings.stdout.write(`${readyLine(config)}\n`)
        const reason = await Promise.race([stop, collector.ended, derivation.failed])
        logger.info({ reason }, 'stopping')
      } finally {
        await collector.stop()
        logger.info(collector.stats(), 'capture has ended')
      }
      await derivation.drain()
    } catch (error) {
      await derivation.abandon()
      throw error
    }
  } finally {
    await log.close()
  }
}

/** The line scripts wait for. */
function readyLine(config: Config): string {
  const watched = config.adiProfileAllowed === null ? 'any value' : config.adiProfileAllowed.join(', ')
  const outputs = [
    `HTTP log ${config.outputPath}`,
    `environments ${config.envOutputPath}`,
    `service map ${config.serviceMapPath ?? 'off (SERVICE_MAP_PATH)'}`,
    `event log ${config.dataDir}`,
  ]
  return `ready: watching processes with ADI_PROFILE (${watched}); ${outputs.join(', ')}`
}
