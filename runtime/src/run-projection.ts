import type { ProjectionTask } from './projection-stage.js'
import { Rebuilds } from './rebuilds.js'
import { contextOf, type Running, type RunOptions, runLoop } from './running.js'
import { StageLoop } from './stage-loop.js'

export interface ProjectionRunOptions<S> extends RunOptions, ProjectionTask<S> {}

/**
 * Runs a projection into its target, in rounds: apply, flush, one commit of offsets, metadata and changed state under
 * the group `<name>@<target>`.
 * @throws LogError, ProjectionError `target_unwritable`
 */
export async function runProjection<S>(options: ProjectionRunOptions<S>): Promise<Running> {
  const context = contextOf(options)
  const loop = new StageLoop(context)
  const { projection, target, settings } = options
  // A replay that was interrupted goes on here too.
  await new Rebuilds(context, loop, 1).addProjection({ projection, target, settings } as ProjectionTask, 0)
  return runLoop(context, loop, options.signal)
}
