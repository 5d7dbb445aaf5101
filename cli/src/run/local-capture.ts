import type { Collector } from '@syscribe/collector'
import { openEmbeddedLog } from '@syscribe/log'
import { type Config, prepareTopics, topicSettings } from '@syscribe/runtime'
import type { Logger } from 'pino'
import { captureMetricsSource } from '../metrics/capture-metrics.js'
import { startCapture } from './capture.js'
import { rawTopics } from './raw-topics.js'
import type { RunningCapture } from './running-capture.js'

/**
 * Capture into the raw side of the embedded log, which is opened at once.
 * @throws LogError `locked` when another process writes it
 */
export async function openLocalCapture(config: Config, logger: Logger): Promise<RunningCapture> {
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
  } catch (error) {
    await log.close()
    throw error
  }
  let collector: Collector | undefined
  let ended = false
  let fail: (error: unknown) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => {})
  const end = async () => {
    if (collector === undefined || ended) return
    ended = true
    await collector.stop()
    logger.info(collector.stats(), 'capture has ended')
  }
  return {
    metrics: [captureMetricsSource(() => collector?.stats())],
    failed,
    start: async () => {
      collector = await startCapture(log, config, logger)
      collector.ended.catch(fail)
    },
    end,
    close: async () => {
      try {
        await end()
      } finally {
        await log.close()
      }
    },
  }
}
