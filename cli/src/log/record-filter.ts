import { CliError } from '../cli-error.js'
import type { Json } from './record-json.js'

export type RecordFilter = (record: Json) => boolean

const expression = /^([\w.-]+)(=|!=|~|>=|<=|>|<)(.*)$/s

/**
 * A condition on a shown record: `FIELD=TEXT`, `!=`, `~` (contains), `<`, `<=`, `>`, `>=`. FIELD may be a path
 * (`source.service`); a name alone is looked for at the top and in the record's value.
 * @throws CliError `usage`
 */
export function recordFilter(text: string): RecordFilter {
  const match = expression.exec(text)
  if (match === null) {
    throw new CliError(
      'usage',
      `--filter ${JSON.stringify(text)} is not FIELD=TEXT, FIELD!=TEXT, FIELD~TEXT, FIELD<N or FIELD>N`,
    )
  }
  const [, field = '', operator = '', wanted = ''] = match
  const test = tests[operator] as (found: string, wanted: string) => boolean
  return (record) => {
    const found = fieldAt(record, field) ?? fieldAt(fieldAt(record, 'value') ?? null, field)
    if (found === undefined) return operator === '!='
    return test(typeof found === 'string' ? found : JSON.stringify(found), wanted)
  }
}

const tests: Record<string, (found: string, wanted: string) => boolean> = {
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
  const difference = Number(found) - Number(wanted)
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
