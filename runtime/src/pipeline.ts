import { inDependencyOrder } from './part-order.js'
import type { Processor } from './processor.js'
import { ProjectionStage, type ProjectionTask, projectionGroup } from './projection-stage.js'
import { addInstance, partitionsOf } from './run-processor.js'
import { contextOf, type Running, type RunOptions, runLoop } from './running.js'
import { StageLoop } from './stage-loop.js'

/** A processor of whatever state: parts with different states stand in one list, and each keeps to its own. */
export type AnyProcessor = Processor<unknown>
export type AnyProjectionTask = ProjectionTask<unknown>

export interface PipelineOptions extends RunOptions {
  processors: readonly AnyProcessor[]
  projections: readonly AnyProjectionTask[]
}

export type Pipeline = Running

/**
 * Runs processors and projections in one loop, each behind those it reads from.
 * @throws LogError, ProjectionError `target_unwritable`, RuntimeError `parts_invalid`; then nothing is left open.
 */
export async function createPipeline(options: PipelineOptions): Promise<Pipeline> {
  const context = contextOf(options)
  const loop = new StageLoop(context)
  try {
    await addParts(context, loop, options)
  } catch (error) {
    await loop.stop().catch(() => {})
    throw error
  }
  return runLoop(context, loop, options.signal)
}

/** Adds all parts to a loop, in the order in which records pass them. */
export async function addParts(
  context: ReturnType<typeof contextOf>,
  loop: StageLoop,
  { log, processors, projections }: Pick<PipelineOptions, 'log' | 'processors' | 'projections'>,
): Promise<void> {
  const levels = new Map<AnyProcessor, number>()
  const ordered = inDependencyOrder(processors)
  for (const processor of ordered) {
    const level = levelOf(processor, ordered, levels)
    levels.set(processor, level)
    for (const partition of await partitionsOf(log, processor)) {
      await addInstance(context, loop, processor, partition, level)
    }
  }
  for (const task of projections) {
    await loop.add(projectionGroup(task.projection.name, task.target), ordered.length, () =>
      ProjectionStage.open(context, task),
    )
  }
}

/** One above the highest that it reads from. */
function levelOf(
  { streams, tables }: AnyProcessor,
  processors: readonly AnyProcessor[],
  levels: Map<AnyProcessor, number>,
): number {
  const read = [...streams, ...tables]
  const upstream = processors.filter(({ outputs }) => outputs.some(({ topic }) => read.includes(topic)))
  return Math.max(0, ...upstream.map((other) => (levels.get(other) ?? 0) + 1))
}
