import { openEmbeddedLog } from '@syscribe/log'
import { type Config, prepareTopics, topicSettings } from '@syscribe/runtime'
import type { Logger } from 'pino'
import { captureMetricsSource } from '../metrics/capture-metrics.js'
import { captureInto } from './capture.js'
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
  const capture = captureInto(log, config, logger)
  return {
    metrics: [captureMetricsSource(capture.stats)],
    failed: capture.failed,
    start: capture.start,
    end: capture.end,
    close: async () => {
      try {
        await capture.end()
      } finally {
        await log.close()
      }
    },
  }
}
