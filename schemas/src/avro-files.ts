import { readdirSync, readFileSync } from 'node:fs'
import type { Schema } from 'avsc'

const folder = new URL('../avro/', import.meta.url)

type NamedSchema = { name: string; namespace: string; type: string } & Record<string, unknown>

/** Every named type of the folder `avro/`, by its simple name. One file holds one type. */
export const avroFiles: ReadonlyMap<string, NamedSchema> = new Map(
  readdirSync(folder)
    .filter((file) => file.endsWith('.avsc'))
    .sort()
    .map((file) => [file.slice(0, -'.avsc'.length), JSON.parse(readFileSync(new URL(file, folder), 'utf8'))]),
)

const primitives = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])

/** Replaces the first mention of each named type by its definition, as one self-contained Avro schema needs it. */
function inline(node: unknown, defined: Set<string>): unknown {
  if (typeof node === 'string') {
    const file = avroFiles.get(node)
    if (primitives.has(node) || file === undefined) return node
    return defined.has(node) ? `${file.namespace}.${node}` : inline(file, defined)
  }
  if (Array.isArray(node)) return node.map((branch) => inline(branch, defined))
  if (typeof node !== 'object' || node === null) return node
  const schema = node as Record<string, unknown>
  if (typeof schema.name === 'string') defined.add(schema.name)
  if (schema.type === 'record') {
    const fields = schema.fields as Record<string, unknown>[]
    return { ...schema, fields: fields.map((field) => ({ ...field, type: inline(field.type, defined) })) }
  }
  if (schema.type === 'array') return { ...schema, items: inline(schema.items, defined) }
  if (schema.type === 'map') return { ...schema, values: inline(schema.values, defined) }
  return schema
}

/** The self-contained Avro schema of a union of the named records, in the order given. */
export function unionSchema(names: readonly string[]): Schema[] {
  const defined = new Set<string>()
  return names.map((name) => inline(name, defined) as Schema)
}

/** The self-contained Avro schema of one named type. */
export function namedSchema(name: string): Schema {
  return inline(name, new Set()) as Schema
}
