import { containerIdsOfCgroup } from '@syscribe/schemas'
import type { Logger } from 'pino'
import { adoptRunningProcesses } from './adoption.js'
import type { CollectorConfig } from './collector-config.js'
import { ContainerWatcher } from './containers/container-watcher.js'
import { type HostIdentity, hostIdentity } from './host-identity.js'
import { IdleWatermarks } from './idle-watermarks.js'
import { type CaptureStats, type Delivery, type Instant, type Loss, openCapture } from './native.js'
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
/** The same where each commit costs brokers several requests. */
const sharedBatchMs = 150

export interface CollectorOptions {
  /** Must have the collector's topics. */
  log: RawLog
  config: CollectorConfig
  logger: Logger
  /** The capture before did not end in order: the log is told. Default false. */
  killedBefore?: boolean
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
 * and the processes and containers that already ran are known. A container runtime that cannot be asked is no fault: the
 * log says so, and it is asked until it answers.
 * @throws CaptureError, LogError
 */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  const { config, logger } = options
  const identity = hostIdentity(config.host)
  const watcher = config.containers ? new ContainerWatcher(config.containers, identity, logger) : null
  try {
    await watcher?.ready()
    return await capturing(options, identity, watcher)
  } catch (error) {
    await watcher?.stop()
    throw error
  }
}

async function capturing(
  { log, config, logger, killedBefore = false }: CollectorOptions,
  identity: HostIdentity,
  watcher: ContainerWatcher | null,
): Promise<Collector> {
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
    batchMs: log.shared ? sharedBatchMs : batchMs,
  })
  if (capture.hook === 'syscall') {
    logger.warn(
      'every system call of every process passes a program: this kernel offers no other way, or hooks are set to syscall',
    )
  }
  const proc = procProcess()
  const records = processRecords(identity, config.environmentPrefixes, proc)
  const idle = new IdleWatermarks(log.shared)
  let stopping = false
  let earlier: readonly Loss[] = killedBefore ? [killed] : []
  if (killedBefore)
    logger.warn('capture did not end in order before: what was in memory then is lost, and was not counted')

  try {
    const at = { time: Date.now() * 1000, timeNanos: 0 }
    const adopted = adoptRunningProcesses(capture, proc, config.allowedProfiles, logger)
    await publisher.publish({
      ...nothing,
      containers: watcher?.take(at) ?? null,
      processes: adopted.map((found) => ({ kind: 'ProcessSeen', value: records.adopted(found, at) })),
    })
  } catch (error) {
    capture.close()
    await publisher.close()
    throw error
  }

  function round(delivery: Delivery): Round {
    const losses = [...earlier, ...delivery.losses]
    earlier = []
    const captured = delivery.batches.length + delivery.processes.length + losses.length > 0
    for (const loss of delivery.losses) logger.warn(loss, 'capture records were lost')
    const processes = delivery.processes.map((event) =>
      event.kind === 'seen'
        ? { kind: 'ProcessSeen' as const, value: records.seen(event) }
        : { kind: 'ProcessExited' as const, value: records.exited(event) },
    )
    if (watcher !== null) expectContainers(watcher, processes)
    const empty = !captured && watcher?.busy !== true
    return {
      batches: delivery.batches,
      processes,
      losses,
      containers: watcher?.take(delivery.watermark) ?? null,
      watermark: idle.due(Date.now(), empty) ? delivery.watermark : null,
      final: false,
    }
  }

  async function run(): Promise<void> {
    let last: Instant = { time: 0, timeNanos: 0 }
    let flushed: Promise<unknown> | undefined
    let watched: Promise<void> | undefined
    let drained = false
    try {
      while (!drained) {
        if (stopping && flushed === undefined) {
          capture.stop()
          watched = watcher?.stop()
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
      await watched
      const containers = watcher?.rest(last) ?? null
      // One end for all topics: what is told of containers may be of later than the last capture.
      const end = containers !== null && containers.watermark.time > last.time ? containers.watermark : last
      await publisher.publish({ ...nothing, containers, watermark: end, final: true })
    } finally {
      capture.close()
      await (watched ?? watcher?.stop())
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

/** The runtime may tell of a container later than its first process is seen. */
function expectContainers(watcher: ContainerWatcher, processes: Round['processes']): void {
  for (const { kind, value } of processes) {
    const id = kind === 'ProcessSeen' ? containerIdsOfCgroup(value.cgroup)[0] : undefined
    if (id !== undefined) watcher.expect(id, value.time)
  }
}

const killed: Loss = { cause: 'killed', records: 0, bytes: 0 }
const nothing: Round = { batches: [], processes: [], losses: [], watermark: null, final: false }
