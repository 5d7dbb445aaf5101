import { createMemoryLog, type Log } from '@syscribe/log'
import { Metrics } from './metrics.js'
import { OverlaidLog } from './overlaid-log.js'
import { ProjectionStage, type ProjectionTask } from './projection-stage.js'
import { type EndingReplayOptions, endsAt, runToEnds } from './run-to-ends.js'
import { contextOf } from './running.js'
import { topicSettings } from './topic-settings.js'

export interface ReplayIntoOptions<S> extends ProjectionTask<S>, EndingReplayOptions {
  /** Only read: it may be opened read-only, beside the one who writes it. */
  log: Log
}

/**
 * Builds a projection's output once, into a target of its own, from the topics as they are. Nothing of it is kept in the
 * log: interrupted, it begins again from the start.
 * @throws LogError, ProjectionError `target_unwritable`
 */
export async function replayInto<S>(options: ReplayIntoOptions<S>): Promise<void> {
  const { projection, target, settings, from = 'earliest', to } = options
  const read = new Set<string>(projection.topics)
  const upper = createMemoryLog()
  const log = new OverlaidLog(options.log, upper, (topic) => read.has(topic))
  try {
    await log.prepare()
    await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null }))
    const context = contextOf({ ...options, log, metrics: new Metrics() })
    const stage = await ProjectionStage.open(context, { projection, target, settings }, from)
    try {
      const ends = await endsAt(log, stage.positions(), to)
      await runToEnds(log, [stage], ends, { ...options, logger: context.logger })
      await stage.finish()
    } finally {
      await stage.close()
    }
  } finally {
    await upper.close()
  }
}
