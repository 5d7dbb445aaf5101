import fc, { type Arbitrary } from 'fast-check'
import { namedSchema } from '../src/avro-files.js'
import type { KindRecord } from '../src/codec.js'
import type { AvroRecords } from '../src/generated.js'

/** How the primitives of a schema are made up; what is left out is anything the type allows. */
export interface Primitives {
  string?: Arbitrary<string>
  bytes?: Arbitrary<Buffer>
}

const bytesOf = (bounds: { minLength?: number; maxLength?: number }): Arbitrary<Buffer> =>
  fc.uint8Array(bounds).map((bytes) => Buffer.from(bytes))

/** Any record of a kind: every field takes any value of its type. */
export function anyRecord<K extends keyof AvroRecords & string>(
  kind: K,
  primitives: Primitives = {},
): Arbitrary<KindRecord<K>> {
  return anyValue(namedSchema(kind), primitives) as Arbitrary<KindRecord<K>>
}

/** Any value a schema allows. */
export function anyValue(schema: unknown, primitives: Primitives = {}): Arbitrary<unknown> {
  const named = new Map<string, Arbitrary<unknown>>()
  // Well-formed: Avro strings are UTF-8, which has no lone surrogates.
  const string = primitives.string ?? fc.string({ unit: 'binary', maxLength: 20 })
  const bytes = primitives.bytes ?? bytesOf({ maxLength: 40 })

  const any = (schema: unknown): Arbitrary<unknown> => {
    if (Array.isArray(schema)) return fc.oneof(...schema.map(any))
    if (typeof schema === 'string') {
      if (schema === 'null') return fc.constant(null)
      if (schema === 'boolean') return fc.boolean()
      if (schema === 'int') return fc.integer()
      // The codec doubles a long to write it: exact to 2^52.
      if (schema === 'long') return fc.oneof(fc.nat(), fc.integer({ min: -(2 ** 51), max: 2 ** 51 }))
      if (schema === 'string') return string
      if (schema === 'bytes') return bytes
      const known = named.get(schema)
      if (known === undefined) throw new Error(`no arbitrary for ${schema}`)
      return known
    }
    const node = schema as Record<string, unknown>
    const made = anyNode(node)
    if (typeof node.name === 'string') named.set(`${node.namespace}.${node.name}`, made)
    return made
  }

  const anyNode = (node: Record<string, unknown>): Arbitrary<unknown> => {
    if (node.type === 'fixed') return bytesOf({ minLength: node.size as number, maxLength: node.size as number })
    if (node.type === 'enum') return fc.constantFrom(...(node.symbols as string[]))
    if (node.type === 'array') return fc.array(any(node.items), { maxLength: 6 })
    // avsc sets a map's entries on a plain object: this one key is lost.
    if (node.type === 'map')
      return fc.dictionary(
        string.filter((key) => key !== '__proto__'),
        any(node.values),
      )
    if (node.type !== 'record') return any(node.type)
    const fields = node.fields as { name: string; type: unknown }[]
    return fc.record(Object.fromEntries(fields.map((field) => [field.name, any(field.type)])))
  }

  return any(schema)
}
