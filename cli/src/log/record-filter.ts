import { CliError } from '../cli-error.js'
import type { Json } from './record-json.js'

/** A condition on a shown record. */
export interface RecordFilter {
  /** As the user wrote it. */
  readonly text: string
  /** Path of the field it looks at. */
  readonly field: string
  readonly operator: FilterOperator
  readonly wanted: string
  matches(record: Json): boolean
}

const operators = ['=', '!=', '~', '<', '<=', '>', '>='] as const
export type FilterOperator = (typeof operators)[number]

/** The conditions that there are, for help and errors. */
export const filterForms = 'FIELD=TEXT, FIELD!=TEXT, FIELD~TEXT (contains), FIELD<N, FIELD<=N, FIELD>N or FIELD>=N'

const expression = /^([\w.-]+)(=|!=|~|>=|<=|>|<)(.*)$/s

/**
 * A condition on a shown record: `FIELD=TEXT`, `!=`, `~` (contains), `<`, `<=`, `>`, `>=`. FIELD may be a path
 * (`client.name`); a name alone is looked for at the top and in the record's value. What is null or not there is before
 * and behind nothing, and contains nothing.
 * @throws CliError `usage`
 */
export function recordFilter(text: string): RecordFilter {
  const match = expression.exec(text)
  if (match === null) throw new CliError('usage', `--filter ${JSON.stringify(text)} is not ${filterForms}`)
  const [, field = '', operator, wanted = ''] = match as unknown as [string, string, FilterOperator, string]
  const test = tests[operator]
  return {
    text,
    field,
    operator,
    wanted,
    matches(record) {
      const found = fieldAt(record, field) ?? fieldAt(fieldAt(record, 'value') ?? null, field)
      if (found === undefined) return operator === '!='
      if (found === null && operator !== '=' && operator !== '!=') return false
      return test(typeof found === 'string' ? found : JSON.stringify(found), wanted)
    },
  }
}

const tests: Record<FilterOperator, (found: string, wanted: string) => boolean> = {
  '=': (found, wanted) => found === wanted,
  '!=': (found, wanted) => found !== wanted,
  '~': (found, wanted) => found.includes(wanted),
  '<': (found, wanted) => compare(found, wanted) < 0,
  '<=': (found, wanted) => compare(found, wanted) <= 0,
  '>': (found, wanted) => compare(found, wanted) > 0,
  '>=': (found, wanted) => compare(found, wanted) >= 0,
}

/** As numbers when both are; else as text, which orders RFC 3339 times too. */
function compare(found: string, wanted: string): number {
  const difference = found === '' || wanted === '' ? Number.NaN : Number(found) - Number(wanted)
  if (!Number.isNaN(difference)) return difference
  return found < wanted ? -1 : found > wanted ? 1 : 0
}

function fieldAt(json: Json, path: string): Json | undefined {
  let at: Json | undefined = json
  for (const name of path.split('.')) {
    if (typeof at !== 'object' || at === null || Array.isArray(at)) return undefined
    at = at[name]
  }
  return at
}
