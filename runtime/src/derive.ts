import { createMemoryLog, type Log } from '@syscribe/log'
import { topics } from '@syscribe/schemas'
import type { Logger } from 'pino'
import { Metrics } from './metrics.js'
import { OverlaidLog } from './overlaid-log.js'
import { PartStatuses } from './part-status.js'
import { type AnyProcessor, type AnyProjectionTask, addParts } from './pipeline.js'
import { contextOf } from './running.js'
import type { StagePolicy } from './stage.js'
import { StageLoop } from './stage-loop.js'
import { topicSettings } from './topic-settings.js'

export interface DeriveOptions {
  /** A log with what collectors wrote; it is only read. */
  rawLog: Log
  processors: readonly AnyProcessor[]
  projections: readonly AnyProjectionTask[]
  logger: Logger
  metrics?: Metrics
  /** An empty log for what is derived; by default one in memory, which then holds all of it. It is not closed. */
  derivedLog?: Log
  policy?: StagePolicy
  /** Told now and then, and at the end. */
  progress?: (progress: DeriveProgress) => void
  signal?: AbortSignal
}

export interface DeriveProgress {
  /** Raw records taken by the slowest part that reads them. */
  records: number
  /** Raw records in the log. */
  of: number
}

const progressMs = 500

/**
 * Derives everything from a raw log, beside it: the same outputs as the live run had, byte for byte. The end of the log
 * counts as the end of capture, also where no final watermark says so.
 * @throws LogError, ProjectionError, RuntimeError `not_drained`
 */
export async function deriveAll(options: DeriveOptions): Promise<void> {
  const { rawLog, processors, projections, progress, signal } = options
  const upper = options.derivedLog ?? createMemoryLog()
  const isRaw = (topic: string) => (topics as Record<string, { writer: string }>)[topic]?.writer === 'collector'
  const log = new OverlaidLog(rawLog, upper, isRaw)
  try {
    await log.prepare()
    await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null, partitions: await width(rawLog) }))
    const metrics = options.metrics ?? new Metrics()
    const context = contextOf({ ...options, log, metrics })
    const loop = new StageLoop(context)
    const statuses = new PartStatuses(log, metrics)
    const report = async () =>
      progress?.(rawProgress((await statuses.of(loop.states())).flatMap(({ inputs }) => inputs)))
    const timer = setInterval(() => void report().catch(() => {}), progressMs)
    try {
      await addParts(context, loop, { processors, projections })
      await loop.finish(signal)
      clearInterval(timer)
      await report()
    } finally {
      clearInterval(timer)
      await loop.stop()
    }
  } finally {
    if (options.derivedLog === undefined) await upper.close()
  }

  function rawProgress(inputs: { topic: string; partition: number; next: number; end: number }[]): DeriveProgress {
    const least = new Map<string, { next: number; end: number }>()
    for (const { topic, partition, next, end } of inputs) {
      const id = `${topic}/${partition}`
      if (isRaw(topic)) least.set(id, { next: Math.min(next, least.get(id)?.next ?? next), end })
    }
    const all = [...least.values()]
    return { records: all.reduce((sum, { next }) => sum + next, 0), of: all.reduce((sum, { end }) => sum + end, 0) }
  }
}

/** Derived topics get as many partitions as the widest raw one: partition n of the one leads to n of the other. */
async function width(log: Log): Promise<number> {
  return Math.max(1, ...(await log.describeTopics()).map(({ partitions }) => partitions))
}
