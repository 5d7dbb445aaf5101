/**
 * The parsing canonical form of an Avro schema (Avro 1.12, "Parsing Canonical Form"): the same for schemas that encode
 * alike, whatever their docs, defaults and aliases.
 */
export function canonicalForm(schema: unknown, namespace = ''): string {
  if (typeof schema === 'string') return JSON.stringify(fullName(schema, namespace))
  if (Array.isArray(schema)) return `[${schema.map((branch) => canonicalForm(branch, namespace)).join(',')}]`
  const node = schema as Record<string, unknown>
  const type = node.type
  if (typeof type !== 'string') return canonicalForm(type, namespace)
  if (type === 'array') return `{"type":"array","items":${canonicalForm(node.items, namespace)}}`
  if (type === 'map') return `{"type":"map","values":${canonicalForm(node.values, namespace)}}`
  if (!named.has(type)) return JSON.stringify(fullName(type, namespace))
  const given = typeof node.namespace === 'string' ? node.namespace : namespace
  const name = fullName(String(node.name), given)
  const inner = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : ''
  const head = `{"name":${JSON.stringify(name)},"type":"${type === 'error' ? 'record' : type}"`
  if (type === 'enum') return `${head},"symbols":${JSON.stringify(node.symbols)}}`
  if (type === 'fixed') return `${head},"size":${Number(node.size)}}`
  const fields = (node.fields as { name: string; type: unknown }[]).map(
    (field) => `{"name":${JSON.stringify(field.name)},"type":${canonicalForm(field.type, inner)}}`,
  )
  return `${head},"fields":[${fields.join(',')}]}`
}

const named = new Set(['record', 'error', 'enum', 'fixed'])
const primitive = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])

function fullName(name: string, namespace: string): string {
  if (primitive.has(name) || name.includes('.') || namespace === '') return name
  return `${namespace}.${name}`
}

const empty = 0xc15d213aa4d7a795n
const fingerprints = Array.from({ length: 256 }, (_, byte) => {
  let fingerprint = BigInt(byte)
  for (let bit = 0; bit < 8; bit++) {
    fingerprint = (fingerprint >> 1n) ^ ((fingerprint & 1n) === 1n ? empty : 0n)
  }
  return fingerprint
})

/** CRC-64-AVRO of a schema's canonical form (Avro 1.12, "Schema Fingerprints"). */
export function schemaFingerprint(schema: unknown): bigint {
  let fingerprint = empty
  for (const byte of Buffer.from(canonicalForm(schema))) {
    fingerprint = (fingerprint >> 8n) ^ fingerprints[Number((fingerprint ^ BigInt(byte)) & 0xffn)]!
  }
  return fingerprint
}
