import { isUtf8 } from 'node:buffer'

/** Anything JSON can say. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json }

/** An Avro schema as JSON. */
export type AvroSchema = string | AvroSchema[] | { type: AvroSchema; [attribute: string]: unknown }

interface Field {
  name: string
  type: AvroSchema
}

/**
 * Turns a decoded record into what JSON can show, led by the schema it was written with: bytes as text when they are
 * UTF-8, else `{ base64 }`; fixed (ids) as hex; addresses as people write them; microseconds since the epoch as RFC 3339.
 *
 * Unions must have been decoded wrapped: null or `{ branch: value }`.
 */
export function recordJson(schema: AvroSchema, value: unknown): Json {
  return convert(schema, value, new Map(), '')
}

function convert(schema: AvroSchema, value: unknown, types: Map<string, AvroSchema>, field: string): Json {
  if (value === null || value === undefined) return null
  if (typeof schema === 'string') {
    const named = types.get(schema) ?? types.get(`syscribe.${schema}`)
    return named === undefined ? convertPrimitive(schema, value, field) : convert(named, value, types, field)
  }
  if (Array.isArray(schema)) return convertUnion(schema, value, types, field)
  if (typeof schema.name === 'string') {
    types.set(schema.name, schema)
    types.set(`${schema.namespace ?? 'syscribe'}.${schema.name}`, schema)
  }
  switch (schema.type) {
    case 'record': {
      const record = value as Record<string, unknown>
      const fields = schema.fields as Field[]
      return Object.fromEntries(fields.map(({ name, type }) => [name, convert(type, record[name], types, name)]))
    }
    case 'array':
      return (value as unknown[]).map((item) => convert(schema.items as AvroSchema, item, types, field))
    case 'map': {
      const entries = Object.entries(value as Record<string, unknown>)
      return Object.fromEntries(
        entries.map(([name, item]) => [name, convert(schema.values as AvroSchema, item, types, name)]),
      )
    }
    case 'fixed':
      return Buffer.from(value as Uint8Array).toString('hex')
    case 'enum':
      return String(value)
    case 'long':
      return schema.logicalType === 'timestamp-micros' ? timeText(value as number) : (value as number)
    default:
      return convert(schema.type, value, types, field)
  }
}

function convertUnion(branches: AvroSchema[], value: unknown, types: Map<string, AvroSchema>, field: string): Json {
  const [[name, inner] = ['', undefined]] = Object.entries(value as Record<string, unknown>)
  // Definitions inside branches not taken may be mentioned by later ones.
  for (const branch of branches) collectTypes(branch, types)
  const branch = branches.find((candidate) => branchName(candidate) === name)
  return convert(branch ?? name, inner, types, field)
}

/** The name Avro gives a branch in its JSON encoding (Avro 1.12, "JSON Encoding"). */
export function branchName(branch: AvroSchema): string {
  if (typeof branch === 'string') return branch
  if (Array.isArray(branch)) return 'union'
  if (typeof branch.name === 'string') return `${branch.namespace ?? 'syscribe'}.${branch.name}`
  return String(branch.type)
}

function collectTypes(schema: AvroSchema, types: Map<string, AvroSchema>): void {
  if (typeof schema === 'string') return
  if (Array.isArray(schema)) {
    for (const branch of schema) collectTypes(branch, types)
    return
  }
  if (typeof schema.name === 'string') types.set(branchName(schema), schema)
  for (const { type } of (schema.fields as Field[] | undefined) ?? []) collectTypes(type, types)
  for (const inner of [schema.items, schema.values]) if (inner !== undefined) collectTypes(inner as AvroSchema, types)
}

function convertPrimitive(type: string, value: unknown, field: string): Json {
  if (type !== 'bytes') return value as string | number | boolean
  const bytes = Buffer.from(value as Uint8Array)
  return field.endsWith('Address') ? addressText(bytes) : bytesJson(bytes)
}

/** Text when it is UTF-8, else base64. */
export function bytesJson(bytes: Buffer): Json {
  return isUtf8(bytes) ? bytes.toString('utf8') : { base64: bytes.toString('base64') }
}

/** 4 or 16 bytes as an address; IPv6 with its longest run of zeros left out (RFC 5952). */
export function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length !== 16) return bytes.toString('hex')
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16))
  const runs = [...groups.join(':').matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].map(([run]) => run)
  const longest = runs.reduce((best, run) => (zeros(run) > zeros(best) ? run : best), '')
  if (longest === '') return groups.join(':')
  const [before = '', after = ''] = splitOnce(groups.join(':'), longest)
  return `${before}::${after.replace(/^:/, '')}`
}

function zeros(run: string): number {
  return run.split('0').length - 1
}

function splitOnce(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator)
  return [text.slice(0, index), text.slice(index + separator.length)]
}

function timeText(micros: number): string {
  const whole = new Date(Math.floor(micros / 1000)).toISOString()
  return whole.replace('Z', `${String(micros % 1000).padStart(3, '0')}Z`)
}
