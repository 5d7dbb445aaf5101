import { join } from 'node:path'
import { collectorTopics, Spool, sendSpool } from '@syscribe/collector'
import type { Config } from '@syscribe/runtime'
import type { Logger } from 'pino'
import { CliError } from '../cli-error.js'
import { createTopics } from '../cluster/create-topics.js'
import { captureMetricsSource, sendingMetricsSource } from '../metrics/capture-metrics.js'
import { openClusterLog } from '../open-log.js'
import { type Capture, captureInto } from './capture.js'
import type { RunningCapture } from './running-capture.js'

/** What the brokers do not take by then waits in the spool, and is said to. Milliseconds. */
const deliveryTimeoutMs = 10_000

export interface ClusterCapture extends RunningCapture {
  /** Whether the brokers take records. */
  readonly connected: boolean
}

/**
 * Capture into the topics of a cluster, through a spool on disk: it goes on while the brokers are away. What an earlier
 * process has left in the spool is sent from now on.
 * @throws LogError `locked` when another collector writes the spool, `unavailable`
 */
export function openClusterCapture(config: Config, logger: Logger): ClusterCapture {
  const spool = new Spool({
    path: join(config.dataDir, 'spool'),
    maxBytes: config.spoolBytes,
    partitions: config.kafkaPartitions,
    topics: collectorTopics,
  })
  const capture = captureInto(spool, config, logger)
  const sender = sendSpool({
    spool,
    host: config.host,
    logger,
    open: async () => {
      const log = await openClusterLog(config, { deliveryTimeoutMs })
      try {
        await createTopics(log, config)
        return log
      } catch (error) {
        await log.close()
        throw error
      }
    },
    lost: () => lostOf(capture),
  })
  const failed = Promise.race([sender.failed, capture.failed])
  failed.catch(() => {})

  const endCapture = () => {
    spool.takeRest()
    return capture.end()
  }
  return {
    get connected() {
      return sender.connected
    },
    metrics: [captureMetricsSource(capture.stats), sendingMetricsSource(spool, sender)],
    failed,
    start: capture.start,
    end: async () => {
      await endCapture()
      const left = await sender.stop()
      if (left === 0) return
      throw new CliError('fault', `the brokers are away: ${left} bytes wait in ${spool.path} for the next start`)
    },
    close: async () => {
      try {
        await endCapture()
        await sender.stop()
      } finally {
        spool.close()
      }
    },
  }
}

function lostOf({ stats }: Capture): Record<string, number> {
  return Object.fromEntries((stats()?.lost ?? []).map(({ cause, records }) => [cause, records]))
}
