import { CliError } from '../cli-error.js'
import { isModulePath } from '../new-projection/load-projection.js'
import { processors, projectionNames } from '../run/parts.js'

export type PartKind = 'processor' | 'projection'

/** Whether there is a part of this name, or it is the path of one. @param own as for `partKind` */
export function isPartName(name: string, own: readonly string[] = []): boolean {
  return (
    [...projectionNames, ...own, ...processors.map((processor) => processor.name)].includes(name) || isModulePath(name)
  )
}

/**
 * A path is that of a projection of the user's own.
 * @param own names of those that the configuration names.
 * @throws CliError `usage` naming those that there are.
 */
export function partKind(name: string, own: readonly string[] = []): PartKind {
  if (isModulePath(name) || own.includes(name)) return 'projection'
  if (projectionNames.includes(name)) return 'projection'
  if (processors.some((processor) => processor.name === name)) return 'processor'
  const known = new Set([...projectionNames, ...own, ...processors.map((processor) => processor.name)])
  const one = `one of ${[...known].join(', ')}, or the path of one of your own`
  throw new CliError('usage', `there is no projection or processor ${JSON.stringify(name)}: ${one}`)
}
