import type { Config } from '@syscribe/runtime'
import { CliError } from '../cli-error.js'
import { brokersOf } from '../cluster/kafka-connection.js'
import { type Health, serveMetrics } from '../metrics/serve-metrics.js'
import type { Surroundings } from '../surroundings.js'
import { checkCapture } from './check-capture.js'
import { checkDataDir } from './check-data-dir.js'
import { openClusterCapture } from './cluster-capture.js'
import { stderrLogger } from './logger.js'
import { readyLine } from './ready-line.js'
import { stopRequested } from './shutdown.js'

/**
 * Captures into the topics of a cluster until SIGINT or SIGTERM. Resolves when what was captured is there, or safe in the
 * spool while the brokers are away.
 * @throws CliError, CaptureError, LogError
 */
export async function collect(config: Config, surroundings: Surroundings): Promise<void> {
  brokersOf(config)
  checkDataDir(config.dataDir)
  checkCapture()
  const stop = stopRequested()
  const logger = stderrLogger(config.logLevel, 'collector')
  const capture = openClusterCapture(config, logger)
  let started: Health = { ready: false, detail: 'starting' }
  const health = () => {
    if (!started.ready || capture.connected) return started
    return { ready: true, detail: 'capturing into the spool: the brokers are away' }
  }
  try {
    const server = await serveMetrics(config, capture.metrics, health)
    try {
      await capture.start()
      started = { ready: true, detail: 'capturing' }
      await surroundings.stdout.write(readyLine(config, server, places(config)))
      const reason = await Promise.race([stop, capture.failed])
      logger.info({ reason }, 'stopping')
      await capture.end().catch((error) => {
        // What waits in the spool is safe there: capture has done its part.
        if (!(error instanceof CliError)) throw error
        logger.warn(error.message)
      })
    } finally {
      await server.close()
    }
  } finally {
    await capture.close()
  }
}

function places(config: Config): string[] {
  return [`brokers ${brokersOf(config).join(', ')}`, `topics ${config.kafkaTopicPrefix}*`, `spool in ${config.dataDir}`]
}
