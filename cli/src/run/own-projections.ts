import type { AnyProjectionTask, Config } from '@syscribe/runtime'
import { CliError } from '../cli-error.js'
import { isModulePath, loadProjection } from '../new-projection/load-projection.js'
import { type ProjectionConfig, processors, projectionNamed, projectionNames, projectionTasks } from './parts.js'

type OwnConfig = Pick<Config, 'rawPayload' | 'ownProjections'>

/**
 * The projections of the user's own that the configuration names, loaded, with their files.
 * @throws CliError when one cannot be loaded, or its name is taken
 */
export async function ownProjectionTasks(config: OwnConfig): Promise<readonly AnyProjectionTask[]> {
  const settings = { rawPayload: config.rawPayload }
  const taken = new Set([...projectionNames, ...processors.map(({ name }) => name)])
  const tasks: AnyProjectionTask[] = []
  for (const { module, target } of config.ownProjections ?? []) {
    const projection = await loadProjection(module)
    if (taken.has(projection.name)) {
      throw new CliError('usage', `${module} is a projection of the name ${projection.name}, which another part has`)
    }
    taken.add(projection.name)
    tasks.push({ projection, target, settings })
  }
  return tasks
}

/** The projections that are asked for, Syscribe's and the user's own. @throws CliError as `ownProjectionTasks` */
export async function allProjectionTasks(config: ProjectionConfig & OwnConfig): Promise<readonly AnyProjectionTask[]> {
  return [...projectionTasks(config), ...(await ownProjectionTasks(config))]
}

/**
 * The projection that an argument names: one of Syscribe's, one of the user's own that the configuration names, or by its
 * path any.
 * @throws CliError when it cannot be loaded; Error when there is none of the name
 */
export async function projectionOf(argument: string, config?: OwnConfig): Promise<AnyProjectionTask['projection']> {
  if (isModulePath(argument)) return loadProjection(argument)
  const own = config === undefined ? [] : await ownProjectionTasks(config)
  return own.find(({ projection }) => projection.name === argument)?.projection ?? projectionNamed(argument)
}
