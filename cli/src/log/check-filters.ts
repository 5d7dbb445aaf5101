import { namedSchema, type TopicName, topics } from '@syscribe/schemas'
import avro, { type Type, type types } from 'avsc'
import { CliError } from '../cli-error.js'
import type { RecordFilter } from './record-filter.js'

/** What stands around every record's value. */
const envelope = ['topic', 'partition', 'offset', 'timestamp', 'key', 'kind']

/**
 * Makes sure that each filter names a field some record of the topic can have: a misspelt one would match nothing, and
 * nobody would know why. Topics that are not in the catalogue are not checked.
 * @param watermarks whether Watermark records are shown.
 * @throws CliError `usage` naming the field, and the fields that there are.
 */
export function checkFilters(filters: readonly RecordFilter[], topic: string, watermarks: boolean): void {
  if (!(topic in topics)) return
  const all: readonly string[] = topics[topic as TopicName].records
  const kinds = watermarks ? all : all.filter((kind) => kind !== 'Watermark')
  const records = kinds.map((kind) => ({ kind, type: avro.Type.forSchema(namedSchema(kind), { wrapUnions: true }) }))
  for (const filter of filters) {
    if (filter.field === 'kind' && filter.operator === '=') checkKind(filter, topic, kinds, all)
    const path = filter.field.split('.')
    if (envelope.includes(filter.field) || filter.field === 'value') continue
    const inValue = path[0] === 'value' ? path.slice(1) : path
    if (records.some(({ type }) => reaches(type, inValue))) continue
    const nested = [...new Set(records.flatMap(({ type }) => pathsEndingIn(type, inValue.join('.'))))]
    const meant = nested.length === 0 ? '' : `; is ${nested.slice(0, 4).join(' or ')} meant?`
    const known = records.map(
      ({ kind, type }) =>
        `${kind} has ${fieldsOf(type)
          .map(({ name }) => name)
          .join(', ')}`,
    )
    throw new CliError(
      'usage',
      `--filter ${JSON.stringify(filter.text)}: no record of topic ${topic} has a field ${filter.field}${meant} ` +
        `(every record has ${envelope.join(', ')}; ${known.join('; ')})`,
    )
  }
}

function checkKind(filter: RecordFilter, topic: string, kinds: readonly string[], all: readonly string[]): void {
  if (kinds.includes(filter.wanted)) return
  const why = all.includes(filter.wanted)
    ? `${filter.wanted} records are shown with --watermarks only`
    : `topic ${topic} has no kind ${filter.wanted}, only ${kinds.join(', ')}`
  throw new CliError('usage', `--filter ${JSON.stringify(filter.text)}: ${why}`)
}

/** Whether a value of this type can have something at the path, as `log show` writes it. */
function reaches(type: Type, path: readonly string[]): boolean {
  const [name, ...rest] = path
  if (name === undefined) return true
  if (type.typeName.startsWith('union')) return unionTypes(type).some((branch) => reaches(branch, path))
  if (type.typeName === 'map') return reaches((type as types.MapType).valuesType, rest)
  if (type.typeName === 'bytes') return name === 'base64' && rest.length === 0
  return fieldsOf(type).some((field) => field.name === name && reaches(field.type, rest))
}

const deepest = 3

function pathsEndingIn(type: Type, end: string, before = '', depth = 0): string[] {
  if (depth > deepest) return []
  if (type.typeName.startsWith('union')) {
    return unionTypes(type).flatMap((branch) => pathsEndingIn(branch, end, before, depth))
  }
  return fieldsOf(type).flatMap((field) => {
    const path = `${before}${field.name}`
    return [...(path.endsWith(`.${end}`) ? [path] : []), ...pathsEndingIn(field.type, end, `${path}.`, depth + 1)]
  })
}

function unionTypes(type: Type): readonly Type[] {
  return (type as types.WrappedUnionType).types
}

function fieldsOf(type: Type): readonly { name: string; type: Type }[] {
  return type.typeName === 'record' ? (type as types.RecordType).fields : []
}
