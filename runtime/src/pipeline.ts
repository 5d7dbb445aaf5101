import type { ReplayProgress } from './catch-up.js'
import { type AnyProcessor, addProcessor, depthOf, levelsOf } from './processor-levels.js'
import { affectedBy, finishReset, resetProcessor } from './processor-reset.js'
import { beginProjectionReplay } from './projection-replay.js'
import { type ProjectionTask, projectionGroup } from './projection-stage.js'
import { Rebuilds } from './rebuilds.js'
import type { ReplayStart } from './replay-start.js'
import { contextOf, type Running, type RunOptions, runLoop } from './running.js'
import { RuntimeError } from './runtime-error.js'
import type { StageContext } from './stage-context.js'
import { StageLoop } from './stage-loop.js'

export type { AnyProcessor }
export type AnyProjectionTask = ProjectionTask<unknown>

export interface PipelineOptions extends RunOptions {
  processors: readonly AnyProcessor[]
  projections: readonly AnyProjectionTask[]
}

/** What to derive again. */
export type ReplayRequest = {
  /** Told about twice a second. */
  progress?: (progress: ReplayProgress) => void
} & (
  | {
      /** Name of a projection: its output is built anew beside the old one, which goes on meanwhile, and swapped in. */
      projection: string
      /** Which one, where it has several targets. */
      target?: string
      /** Default the oldest record. */
      from?: ReplayStart
    }
  | {
      /**
       * Name of a processor: its output and everything behind it are dropped and derived again from the oldest records
       * of its inputs. Files keep their old content until the new one is complete.
       */
      processor: string
    }
)

export interface Pipeline extends Running {
  /**
   * Derives again while everything else goes on; resolves when the new outputs have caught up and are in place. After a
   * crash or `close` it goes on when the pipeline is started again.
   * @throws RuntimeError `replay_invalid`; `replay_interrupted` when the pipeline ends before.
   */
  replay(request: ReplayRequest): Promise<void>
}

/**
 * Runs processors and projections in one loop, each behind those it reads from.
 * @throws LogError, ProjectionError `target_unwritable`, RuntimeError `parts_invalid`; then nothing is left open.
 */
export async function createPipeline(options: PipelineOptions): Promise<Pipeline> {
  const context = contextOf(options)
  const loop = new StageLoop(context)
  const { spareTime } = options
  if (spareTime !== undefined) loop.standBack = (behindMs) => spareTime.pause(behindMs)
  const rebuilds = new Rebuilds(context, loop, depthOf(options.processors))
  try {
    await addParts(context, loop, options, rebuilds)
  } catch (error) {
    await loop.stop().catch(() => {})
    throw error
  }
  const interrupted = () => new RuntimeError('replay_interrupted', 'the pipeline ended before its replay')
  const running = runLoop(context, loop, options.signal, async () => rebuilds.interrupt(interrupted()))
  running.done.catch(() => {}).finally(() => rebuilds.interrupt(interrupted()))
  return { ...running, replay: (request) => replay(context, loop, rebuilds, options, request) }
}

type Parts = Pick<PipelineOptions, 'processors' | 'projections'>

/** Adds all parts to a loop, in the order in which records pass them. Replays that were interrupted go on. */
export async function addParts(
  context: StageContext,
  loop: StageLoop,
  { processors, projections }: Parts,
  rebuilds = new Rebuilds(context, loop, depthOf(processors)),
): Promise<void> {
  for (const { name } of processors) await finishReset(context.log, name, projections)
  const levels = levelsOf(processors)
  for (const [processor, level] of levels) await addProcessor(context, loop, processor, level)
  for (const task of projections) await rebuilds.addProjection(task, levels.size)
}

async function replay(
  context: StageContext,
  loop: StageLoop,
  rebuilds: Rebuilds,
  { processors, projections }: Parts,
  request: ReplayRequest,
): Promise<void> {
  const { log } = context
  const levels = levelsOf(processors)
  if ('processor' in request) {
    const affected = affectedBy(request.processor, processors, projections)
    const names = affected.processors.map(({ name }) => name)
    const parts = affected.projections.map(({ projection, target }) => projectionGroup(projection.name, target))
    const done = loop.between(async () => {
      await rebuilds.remove(new Set([...names, ...parts]))
      await resetProcessor(log, request.processor, processors, projections)
      for (const [processor, level] of levels) {
        if (names.includes(processor.name)) await addProcessor(context, loop, processor, level)
      }
      for (const task of affected.projections) await rebuilds.addProjection(task, levels.size)
      return { done: rebuilds.caughtUp(parts, names, request.progress) }
    })
    await (await done).done
    return
  }
  const task = projectionTask(projections, request.projection, request.target)
  const part = projectionGroup(task.projection.name, task.target)
  const done = loop.between(async () => {
    await rebuilds.remove(new Set([part]))
    await beginProjectionReplay(log, task, { from: request.from ?? 'earliest', live: true })
    await rebuilds.addProjection(task, levels.size)
    return { done: rebuilds.caughtUp([part], [], request.progress) }
  })
  await (await done).done
}

/** @throws RuntimeError `replay_invalid` when there is none, or several */
export function projectionTask(
  projections: readonly AnyProjectionTask[],
  name: string,
  target: string | undefined,
): AnyProjectionTask {
  const found = projections.filter(
    (task) => task.projection.name === name && (target === undefined || task.target === target),
  )
  const wanted = target === undefined ? name : `${name} into ${target}`
  if (found.length === 0) throw new RuntimeError('replay_invalid', `there is no projection ${wanted}`)
  if (found.length > 1) throw new RuntimeError('replay_invalid', `projection ${name} has several targets: say which`)
  return found[0] as AnyProjectionTask
}
