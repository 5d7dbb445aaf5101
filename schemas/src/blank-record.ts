import { avroFiles } from './avro-files.js'
import type { KindRecord } from './codec.js'
import { SchemaError } from './errors.js'
import type { AvroRecords } from './generated.js'

/** Some fields of a record, and some of the records in it. */
export type PartialRecord<K> = Some<KindRecord<K>>

type Some<T> = T extends Uint8Array | readonly unknown[] ? T : T extends object ? { [F in keyof T]?: Some<T[F]> } : T

/**
 * A record of a kind in which everything not given is empty: 0, '', no bytes, null where that is allowed, an enum's
 * default or its first symbol. For tests and examples.
 * @throws SchemaError `record_invalid` naming a field that the kind does not have.
 */
export function blankRecord<K extends keyof AvroRecords & string>(
  kind: K,
  given: PartialRecord<K> = {} as never,
): KindRecord<K> {
  return filled(kind, given, kind) as KindRecord<K>
}

interface Node extends Record<string, unknown> {
  type: unknown
  fields: { name: string; type: unknown }[]
}

function filled(type: unknown, given: unknown, at: string): unknown {
  if (Array.isArray(type)) {
    // An optional type: what is given is of the branch that is not null.
    const branch = type.find((one) => one !== 'null')
    return given === undefined || given === null ? null : filled(branch, given, at)
  }
  if (typeof type === 'string') return type in empty ? (given ?? empty[type]) : filled(avroFiles.get(type), given, at)
  const node = type as Node
  if (node.type === 'record') return filledRecord(node, given ?? {}, at)
  if (node.type === 'array') return given ?? []
  if (node.type === 'map') return given ?? {}
  if (node.type === 'enum') return given ?? node.default ?? (node.symbols as string[])[0]
  if (node.type === 'fixed') return given ?? Buffer.alloc(node.size as number)
  return filled(node.type, given, at)
}

function filledRecord({ fields }: Node, given: object, at: string): unknown {
  const wrong = Object.keys(given).find((name) => !fields.some((field) => field.name === name))
  if (wrong !== undefined) throw new SchemaError('record_invalid', `${at} has no field ${wrong}`)
  const values = given as Record<string, unknown>
  return Object.fromEntries(fields.map(({ name, type }) => [name, filled(type, values[name], `${at}.${name}`)]))
}

const empty: Record<string, unknown> = {
  null: null,
  boolean: false,
  int: 0,
  long: 0,
  float: 0,
  double: 0,
  string: '',
  bytes: Buffer.alloc(0),
}
