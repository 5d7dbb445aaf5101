import {
  CaptureMark,
  type CaptureStats,
  type Collector,
  type CollectorConfig,
  type RawLog,
  startCollector,
} from '@syscribe/collector'
import type { Config } from '@syscribe/runtime'
import type { Logger } from 'pino'

/** Capture of this host into a log: begun once, ended once. */
export interface Capture {
  /** Rejects when it cannot go on; never resolves. */
  readonly failed: Promise<never>
  /** Undefined before the start. */
  stats(): CaptureStats | undefined
  /** @throws CaptureError, LogError */
  start(): Promise<void>
  /** Resolves when the log has taken what was captured before; at once when capture has not begun, or has been ended. */
  end(): Promise<void>
}

/** Capture as configured; not begun. */
export function captureInto(log: RawLog, config: Config, logger: Logger): Capture {
  let collector: Collector | undefined
  let mark: CaptureMark | undefined
  let ended = false
  let fail: (error: unknown) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => {})
  return {
    failed,
    stats: () => collector?.stats(),
    start: async () => {
      mark = new CaptureMark(config.dataDir)
      mark.set()
      try {
        collector = await startCollector({
          log,
          config: collectorConfig(config),
          logger,
          killedBefore: mark.found,
        })
      } catch (error) {
        if (!mark.found) mark.clear()
        throw error
      }
      collector.ended.catch(fail)
    },
    end: async () => {
      if (collector === undefined || ended) return
      ended = true
      await collector.stop()
      mark?.clear()
      logger.info(collector.stats(), 'capture has ended')
    },
  }
}

function collectorConfig(config: Config): CollectorConfig {
  return {
    host: config.host,
    allowedProfiles: config.adiProfileAllowed ?? [],
    environmentPrefixes: config.envPrefixList ?? [],
    captureLimit: config.captureLimit,
    ringBytes: config.ringBytes,
    queueBytes: config.queueBytes,
    hook: config.hooks,
    containers:
      config.containerdSocket === null
        ? null
        : { socket: config.containerdSocket, namespace: config.containerdNamespace },
  }
}
