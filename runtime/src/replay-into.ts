import { createMemoryLog, type Log } from '@syscribe/log'
import type { Logger } from 'pino'
import type { ReplayProgress } from './catch-up.js'
import { Metrics } from './metrics.js'
import { OverlaidLog } from './overlaid-log.js'
import { ProjectionStage, type ProjectionTask } from './projection-stage.js'
import { type ReplayStart, startOffset } from './replay-start.js'
import { contextOf } from './running.js'
import type { StagePolicy } from './stage.js'
import { logEnds } from './stage-loop.js'
import { topicSettings } from './topic-settings.js'

export interface ReplayIntoOptions<S> extends ProjectionTask<S> {
  /** Only read: it may be opened read-only, beside the one who writes it. */
  log: Log
  /** Default the oldest record. */
  from?: ReplayStart
  /** Where to end: the first record at or after a time (ms), or an offset, is not taken. Default what the log holds now. */
  to?: Exclude<ReplayStart, 'earliest'>
  logger: Logger
  policy?: StagePolicy
  /** Told about twice a second, and at the end. */
  progress?: (progress: ReplayProgress) => void
  signal?: AbortSignal
}

const progressMs = 500

/**
 * Builds a projection's output once, into a target of its own, from the topics as they are. Nothing of it is kept in the
 * log: interrupted, it begins again from the start.
 * @throws LogError, ProjectionError `target_unwritable`
 */
export async function replayInto<S>(options: ReplayIntoOptions<S>): Promise<void> {
  const { projection, target, settings, from = 'earliest', to, progress, signal } = options
  const read = new Set<string>(projection.topics)
  const upper = createMemoryLog()
  const log = new OverlaidLog(options.log, upper, (topic) => read.has(topic))
  try {
    await log.prepare()
    await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null }))
    const context = contextOf({ ...options, log, metrics: new Metrics() })
    const stage = await ProjectionStage.open(context, { projection, target, settings }, from)
    try {
      const begins = stage.positions()
      const ends = await logEnds(log)
      if (to !== undefined) {
        for (const at of begins) {
          const end = await startOffset(log, at, to)
          ends.set(`${at.topic}/${at.partition}`, Math.min(end, ends.get(`${at.topic}/${at.partition}`) ?? end))
        }
      }
      stage.limitTo(ends)
      const report = () => progress?.(progressBetween(begins, stage.positions(), ends))
      for (let last = performance.now(); ; ) {
        signal?.throwIfAborted()
        if ((await stage.round()) === 0) break
        await new Promise((resolve) => setImmediate(resolve))
        if (performance.now() - last < progressMs) continue
        last = performance.now()
        report()
      }
      await stage.finish()
      report()
    } finally {
      await stage.close()
    }
  } finally {
    await upper.close()
  }
}

type Place = { topic: string; partition: number; next: number }

function progressBetween(begins: Place[], places: Place[], ends: Map<string, number>): ReplayProgress {
  let records = 0
  let of = 0
  places.forEach(({ topic, partition, next }, index) => {
    const begin = begins[index]?.next ?? 0
    records += next - begin
    of += Math.max(0, (ends.get(`${topic}/${partition}`) ?? next) - begin)
  })
  return { records, of }
}
