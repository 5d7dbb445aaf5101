import avro, { type Schema, type Type } from 'avsc'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { committedVersions } from '../history.mjs'
import { incompatibilities } from '../src/compatibility.js'
import { TopicCodec, type TopicName, topicNames } from '../src/index.js'
import { anyValue } from './avro-arbitrary.js'
import { type NamedNode, namedNodes } from './edited-schema.js'

type Fields = Record<string, unknown>

const isRecord = ({ type }: NamedNode) => type === 'record'
const isOpenEnum = ({ type, default: standard }: NamedNode) => type === 'enum' && standard !== undefined

/** What a later version may do: fields at the end and in front, symbols of enums with a default, a kind. */
function later(schema: readonly Schema[]): Schema[] {
  const newer = structuredClone(schema) as Schema[]
  for (const node of namedNodes(newer)) {
    if (isRecord(node)) {
      node.fields.unshift({ name: 'laterFirst', type: ['null', 'string'], default: null })
      node.fields.push({ name: 'laterLast', type: { type: 'array', items: 'long' }, default: [] })
    }
    if (isOpenEnum(node)) node.symbols.push('later_symbol')
  }
  const kind = { type: 'record', name: 'LaterKind', namespace: 'syscribe', fields: [{ name: 'text', type: 'string' }] }
  return [...newer, kind as Schema]
}

/** What an earlier version may have lacked: fields that have a default now, the newest symbols, the newest kind. */
function earlier(schema: readonly Schema[]): Schema[] {
  const older = structuredClone(schema).slice(0, Math.max(1, schema.length - 1)) as Schema[]
  for (const node of namedNodes(older)) {
    // A field that defines a type for those behind it has to stay.
    if (isRecord(node)) {
      node.fields = node.fields.filter((field) => field.default === undefined || namedNodes(field.type).length > 0)
    }
    if (isOpenEnum(node) && node.symbols.at(-1) !== node.default && node.symbols.length > 2) node.symbols.pop()
  }
  return older
}

/** What a reader of `reader` makes of a value: defaults for what it lacks, nothing of what it does not know. */
function asRead(value: unknown, reader: Type): unknown {
  const { RecordType, EnumType, ArrayType, UnwrappedUnionType } = avro.types
  if (reader instanceof RecordType) {
    const from = value as Fields
    const read = reader.fields.map((field) => {
      return [field.name, field.name in from ? asRead(from[field.name], field.type) : field.defaultValue()]
    })
    return Object.fromEntries(read)
  }
  if (reader instanceof ArrayType) return (value as unknown[]).map((item) => asRead(item, reader.itemsType))
  if (reader instanceof EnumType && !reader.symbols.includes(value as string)) {
    return (reader as unknown as { default: string }).default
  }
  if (reader instanceof UnwrappedUnionType) {
    const type = value === null ? undefined : reader.types.find((branch) => branch.typeName !== 'null')
    return type === undefined ? null : asRead(value, type)
  }
  return value
}

function typesOf(union: readonly Schema[]): Type[] {
  const registry: Record<string, Type> = {}
  return union.map((branch) => avro.Type.forSchema(structuredClone(branch), { registry }))
}

const simpleName = (type: Type) => (type.name ?? '').split('.').pop() as string

/** Checks that records of every kind, written with one schema, are read with another as Avro says. */
function checkReading(codec: TopicCodec<TopicName>, writer: readonly Schema[]): void {
  const readers = new Map(typesOf(codec.schema).map((type) => [simpleName(type), type]))
  const writers = typesOf(writer)
  const fields = writer.map((branch, index) => ({ name: simpleName(writers[index] as Type), type: branch }))
  fc.assert(
    fc.property(anyValue({ type: 'record', name: 'OneOfEach', fields }), (one) => {
      writers.forEach((type, branch) => {
        const kind = simpleName(type)
        const value = (one as Fields)[kind]
        const bytes = Buffer.concat([Buffer.of(branch << 1), type.toBuffer(value)])
        const reader = readers.get(kind)
        if (reader === undefined) {
          expect(codec.kindOf(bytes)).toBeUndefined()
          return
        }
        expect(codec.kindOf(bytes)).toBe(kind)
        expect(plain(codec.decode(bytes).value)).toEqual(plain(asRead(value, reader)))
      })
    }),
    { numRuns: 30 },
  )
}

/** Records as avsc makes them have classes of their own. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value))

describe.each(topicNames)('%s', (topic) => {
  const own = new TopicCodec(topic)
  const codec = (writer: Schema[]) => new TopicCodec(topic, writer) as unknown as TopicCodec<TopicName>

  test('a new reader reads old records', () => {
    const versions = committedVersions(topic) as Schema[][]
    expect(versions.length).toBeGreaterThan(0)
    for (const version of [...versions, earlier(own.schema)]) checkReading(codec(version), version)
  })

  test('an old reader reads new records, and passes over kinds it does not know', () => {
    const newer = later(own.schema)
    expect(incompatibilities(newer, own.schema)).toEqual([])
    checkReading(codec(newer), newer)
  })
})
