// Writes src/generated.ts, the TypeScript types of avro/*.avsc. Run by `npm run generate -w schemas`; a test compares.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const folder = new URL('./avro/', import.meta.url)
const primitive = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  bytes: 'Buffer',
  string: 'string',
}

function typeOf(node, nested) {
  if (typeof node === 'string') return primitive[node] ?? node
  if (Array.isArray(node)) {
    const parts = node.map((branch) => typeOf(branch, nested))
    return [...parts.filter((part) => part !== 'null'), ...parts.filter((part) => part === 'null')].join(' | ')
  }
  if (node.type === 'array') {
    const items = typeOf(node.items, nested)
    return items.includes('|') ? `(${items})[]` : `${items}[]`
  }
  if (node.type === 'map') return `Record<string, ${typeOf(node.values, nested)}>`
  if (node.type === 'record') {
    nested.push(node)
    return node.name
  }
  return typeOf(node.type, nested)
}

function declaration(schema, nested) {
  const doc = `/** ${schema.doc} */\n`
  if (schema.type === 'enum')
    return `${doc}export type ${schema.name} = ${schema.symbols.map((symbol) => `'${symbol}'`).join(' | ')}\n`
  if (schema.type === 'fixed') return `${doc}export type ${schema.name} = Buffer\n`
  const fields = schema.fields.map((field) => `  /** ${field.doc} */\n  ${field.name}: ${typeOf(field.type, nested)}\n`)
  return `${doc}export interface ${schema.name} {\n${fields.join('')}}\n`
}

/** The source text of src/generated.ts. */
export function generateTypes() {
  const schemas = readdirSync(folder)
    .filter((file) => file.endsWith('.avsc'))
    .sort()
    .map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')))
  const parts = []
  for (const schema of schemas) {
    const nested = []
    parts.push(declaration(schema, nested), ...nested.map((inner) => declaration(inner, [])))
  }
  const records = schemas
    .filter((schema) => schema.type === 'record')
    .map((schema) => `  ${schema.name}: ${schema.name}\n`)
  parts.push(`/** Every record type by name. */\nexport interface AvroRecords {\n${records.join('')}}\n`)
  return `// Made by generate-types.mjs from avro/*.avsc. Do not edit.\n\n${parts.join('\n')}`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(new URL('./src/generated.ts', import.meta.url), generateTypes())
}
