import type { AnyProcessor, AnyProjectionTask, Config } from '@syscribe/runtime'
import { CliError } from '../cli-error.js'
import { isModulePath } from '../new-projection/load-projection.js'
import type { OutputConfig } from './check-outputs.js'
import { ownProjectionTasks, projectionOf } from './own-projections.js'
import { processors, projectionNames, projectionTasks } from './parts.js'

/** @throws CliError `usage` naming those that there are */
export function processorsNamed(names: readonly string[]): readonly AnyProcessor[] {
  const known = processors.map(({ name }) => name)
  const chosen = chosenOf(names, known, 'processor')
  return processors.filter(({ name }) => chosen.has(name))
}

export interface ChosenProjections {
  tasks: readonly AnyProjectionTask[]
  /** Files of theirs that settings name. */
  outputs: OutputConfig
}

/**
 * The projections of these names with their files: those of the settings, or `target` for a single one.
 * @throws CliError `usage` naming those that there are, or the setting that is missing
 */
export async function projectionsNamed(
  names: readonly string[],
  target: string | undefined,
  config: Config,
): Promise<ChosenProjections> {
  const own = await ownProjectionTasks(config)
  const known = [...projectionNames, ...own.map(({ projection }) => projection.name)]
  if (target !== undefined) {
    const [name = '', ...others] = names
    if (others.length > 0 || name === 'all')
      throw new CliError('usage', '--target is the file of one projection: name one')
    if (!isModulePath(name)) chosenOf([name], known, 'projection')
    const settings = { rawPayload: config.rawPayload }
    const tasks = [{ projection: await projectionOf(name, config), target, settings }]
    return { tasks, outputs: { outputPath: null, envOutputPath: null, serviceMapPath: null } }
  }
  const path = names.find(isModulePath)
  if (path !== undefined) {
    throw new CliError('usage', `${path} is a projection of your own: name it alone, and its file with --target`)
  }
  const chosen = chosenOf(names, known, 'projection')
  const tasks = [...projectionTasks(config), ...own].filter(({ projection }) => chosen.has(projection.name))
  const found = new Set(tasks.map(({ projection }) => projection.name))
  const missing = names.find((name) => name !== 'all' && !found.has(name))
  if (missing !== undefined) {
    throw new CliError(
      'usage',
      `${missing} has no file: set its option or variable (syscribe project --help), or --target`,
    )
  }
  const targets = new Set(tasks.map((task) => task.target))
  const mine = (path: string | null) => (path !== null && targets.has(path) ? path : null)
  return {
    tasks,
    outputs: {
      outputPath: mine(config.outputPath),
      envOutputPath: mine(config.envOutputPath),
      serviceMapPath: mine(config.serviceMapPath),
      ownProjections: (config.ownProjections ?? []).filter(({ target }) => targets.has(target)),
    },
  }
}

function chosenOf(names: readonly string[], known: readonly string[], kind: string): ReadonlySet<string> {
  const strange = names.find((name) => name !== 'all' && !known.includes(name))
  if (strange !== undefined) {
    throw new CliError('usage', `there is no ${kind} ${JSON.stringify(strange)}: one of ${known.join(', ')}, or all`)
  }
  return new Set(names.includes('all') ? known : names)
}
