import type { Logger } from 'pino'
import { adoptRunningProcesses } from './adoption.js'
import type { CollectorConfig } from './collector-config.js'
import { hostIdentity } from './host-identity.js'
import { IdleWatermarks } from './idle-watermarks.js'
import { type CaptureStats, type Delivery, type Instant, openCapture } from './native.js'
import { procProcess } from './proc-process.js'
import { processRecords } from './process-records.js'
import { Publisher, type Round } from './publisher.js'
import type { RawLog } from './raw-log.js'

/** Longest wait for news from the kernel, milliseconds. */
const readWaitMs = 250
/**
 * What is captured is handed over this often, milliseconds. Every round costs a durable commit here and one in each
 * part behind; ten a second keep that under what a single exchange costs.
 */
const batchMs = 100

export interface CollectorOptions {
  /** Must have the collector's topics. */
  log: RawLog
  config: CollectorConfig
  logger: Logger
}

export interface Collector {
  /** Capture ends; what was captured before the call is appended, then the final watermark. Resolves when it is durable. */
  stop(): Promise<void>
  /** Rejects when capture cannot go on; resolves after `stop`. */
  readonly ended: Promise<void>
  stats(): CaptureStats
}

/**
 * Starts capture on this host and appends what it sees to the log. When it resolves, every exec and every I/O is seen
 * and the processes that already ran have been adopted.
 * @throws CaptureError, LogError
 */
export async function startCollector({ log, config, logger }: CollectorOptions): Promise<Collector> {
  const identity = hostIdentity(config.host)
  const publisher = await Publisher.open(log, identity, logger)
  const capture = openCapture({
    ...identity,
    allowedProfiles: config.allowedProfiles.length > 0 ? config.allowedProfiles : null,
    partitions: publisher.syscallsPartitions,
    schemaId: publisher.syscallsSchemaId,
    hook: config.hook,
    ringBytes: config.ringBytes,
    queueBytes: config.queueBytes,
    capBytes: config.captureLimit,
    batchMs,
  })
  const proc = procProcess()
  const records = processRecords(identity, config.environmentPrefixes, proc)
  const idle = new IdleWatermarks()
  let stopping = false

  try {
    const at = { time: Date.now() * 1000, timeNanos: 0 }
    const adopted = adoptRunningProcesses(capture, proc, config.allowedProfiles, logger)
    await publisher.publish({
      ...nothing,
      processes: adopted.map((found) => ({ kind: 'ProcessSeen', value: records.adopted(found, at) })),
    })
  } catch (error) {
    capture.close()
    await publisher.close()
    throw error
  }

  function round(delivery: Delivery): Round {
    const empty = delivery.batches.length + delivery.processes.length + delivery.losses.length === 0
    for (const loss of delivery.losses) logger.warn(loss, 'capture records were lost')
    return {
      batches: delivery.batches,
      processes: delivery.processes.map((event) =>
        event.kind === 'seen'
          ? { kind: 'ProcessSeen', value: records.seen(event) }
          : { kind: 'ProcessExited', value: records.exited(event) },
      ),
      losses: delivery.losses,
      watermark: idle.due(Date.now(), empty) ? delivery.watermark : null,
      final: false,
    }
  }

  async function run(): Promise<void> {
    let last: Instant = { time: 0, timeNanos: 0 }
    let flushed: Promise<unknown> | undefined
    let drained = false
    try {
      while (!drained) {
        if (stopping && flushed === undefined) {
          capture.stop()
          // It fails only when the loop has: that error is the one to tell.
          flushed = capture.flush().then(
            () => {
              drained = true
            },
            () => {},
          )
        }
        const delivery = await capture.read(stopping ? 20 : readWaitMs)
        last = delivery.watermark
        await publisher.publish(round(delivery))
      }
      await publisher.publish({ ...nothing, watermark: last, final: true })
    } finally {
      capture.close()
      await publisher.close()
    }
  }

  let finalStats: CaptureStats | undefined
  const ended = run()
  return {
    stop: () => {
      if (!stopping) finalStats = capture.stats()
      stopping = true
      return ended
    },
    ended,
    stats: () => finalStats ?? capture.stats(),
  }
}

const nothing: Round = { batches: [], processes: [], losses: [], watermark: null, final: false }
