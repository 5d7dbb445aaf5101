import { join } from 'node:path'
import { type Collector, collectorTopics, Spool, sendSpool } from '@syscribe/collector'
import type { Config } from '@syscribe/runtime'
import type { Logger } from 'pino'
import { CliError } from '../cli-error.js'
import { createTopics } from '../cluster/create-topics.js'
import { captureMetricsSource, sendingMetricsSource } from '../metrics/capture-metrics.js'
import { openClusterLog } from '../open-log.js'
import { startCapture } from './capture.js'
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
  let collector: Collector | undefined
  let ended = false
  const spool = new Spool({
    path: join(config.dataDir, 'spool'),
    maxBytes: config.spoolBytes,
    partitions: config.kafkaPartitions,
    topics: collectorTopics,
  })
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
    lost: () => lostOf(collector),
  })
  let fail: (error: unknown) => void = () => {}
  const captureFailed = new Promise<never>((_, reject) => {
    fail = reject
  })
  const failed = Promise.race([sender.failed, captureFailed])
  failed.catch(() => {})

  const endCollector = async () => {
    spool.takeRest()
    if (collector === undefined || ended) return
    ended = true
    await collector.stop()
    logger.info(collector.stats(), 'capture has ended')
  }
  return {
    get connected() {
      return sender.connected
    },
    metrics: [captureMetricsSource(() => collector?.stats()), sendingMetricsSource(spool, sender)],
    failed,
    start: async () => {
      collector = await startCapture(spool, config, logger)
      collector.ended.catch(fail)
    },
    end: async () => {
      await endCollector()
      const left = await sender.stop()
      if (left === 0) return
      throw new CliError('fault', `the brokers are away: ${left} bytes wait in ${spool.path} for the next start`)
    },
    close: async () => {
      try {
        await endCollector()
        await sender.stop()
      } finally {
        spool.close()
      }
    },
  }
}

function lostOf(collector: Collector | undefined): Record<string, number> {
  return Object.fromEntries((collector?.stats().lost ?? []).map(({ cause, records }) => [cause, records]))
}
