import { CliError } from '../cli-error.js'
import { processors, projectionNames } from '../run/parts.js'

export type PartKind = 'processor' | 'projection'

/** @throws CliError `usage` naming those that there are. */
export function partKind(name: string): PartKind {
  if (projectionNames.includes(name)) return 'projection'
  if (processors.some((processor) => processor.name === name)) return 'processor'
  const known = [...projectionNames, ...processors.map((processor) => processor.name)]
  throw new CliError('usage', `there is no projection or processor ${JSON.stringify(name)}: one of ${known.join(', ')}`)
}
