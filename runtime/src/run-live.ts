import { ControlTopic } from './control-topic.js'
import { runLiveProcessor } from './live-processor.js'
import { runLiveProjection } from './live-projection.js'
import { Metrics } from './metrics.js'
import type { AnyProjectionTask } from './pipeline.js'
import type { AnyProcessor } from './processor-levels.js'
import type { ProcessorRunOptions } from './run-processor.js'
import type { Running, RunOptions } from './running.js'

export interface LiveOptions extends RunOptions {
  /** Those of this process; others may run in other processes. */
  processors: readonly AnyProcessor[]
  projections: readonly AnyProjectionTask[]
  /** Which partitions this process works on. Default `group`: they are shared with the other processes. */
  partitions?: ProcessorRunOptions<unknown>['partitions']
  /** Where groups of processes keep places of their own in the topics: which one this is. */
  group?: string
}

/**
 * Runs parts of a system whose parts are processes of their own, on the generations that count: the control topic tells
 * of them, and of replays.
 * @throws LogError, ProjectionError `target_unwritable`, RuntimeError `parts_invalid`; then nothing is left open
 */
export async function runLive(options: LiveOptions): Promise<Running> {
  const { processors, projections, partitions = 'group', group, signal, metrics = new Metrics(), ...rest } = options
  const { log, logger } = options
  const control = await ControlTopic.open(log, logger)
  const parts: Running[] = []
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= (async () => {
      signal?.removeEventListener('abort', onAbort)
      const results = await Promise.allSettled(parts.map((part) => part.close()))
      await control.close()
      for (const result of results) if (result.status === 'rejected') throw result.reason
    })()
    return closed
  }
  const onAbort = () => {
    close().catch((error) => logger.error({ err: error }, 'closing failed'))
  }
  try {
    // Side by side: a broker lets the first member of a group wait for others, some seconds for each group.
    const opening = [
      ...processors.map((processor) => runLiveProcessor({ ...rest, metrics, processor, partitions }, control)),
      ...projections.map((task) => runLiveProjection({ ...rest, ...task, metrics }, control, group)),
    ]
    const opened = await Promise.allSettled(opening)
    for (const result of opened) if (result.status === 'fulfilled') parts.push(result.value)
    for (const result of opened) if (result.status === 'rejected') throw result.reason
  } catch (error) {
    await close().catch(() => {})
    throw error
  }
  signal?.addEventListener('abort', onAbort)
  if (signal?.aborted) onAbort()
  const done = Promise.all(parts.map((part) => part.done)).then(() => closed)
  done.catch(() => {})
  return {
    done,
    // In order: what a part emits the next may have to take.
    drain: async () => {
      for (const part of parts) await part.drain()
    },
    close,
    status: async () => (await Promise.all(parts.map((part) => part.status()))).flat(),
  }
}
