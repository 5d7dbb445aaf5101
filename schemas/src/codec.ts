import avro, { type Schema, type Type } from 'avsc'
import { avroFiles, namedSchema, unionSchema } from './avro-files.js'
import { incompatibilities } from './compatibility.js'
import { SchemaError } from './errors.js'
import type { AvroRecords } from './generated.js'
import { type TopicKind, type TopicName, topics } from './topics.js'

export type KindRecord<K> = K extends keyof AvroRecords ? AvroRecords[K] : never

/** A decoded record: `kind` names the union branch, `value` is the record. */
export type TopicRecord<T extends TopicName> = {
  [K in TopicKind<T>]: { kind: K; value: KindRecord<K> }
}[TopicKind<T>]

/** Reads some fields of a record, skipping the rest. */
export type FieldReader<K, F extends keyof KindRecord<K>> = (bytes: Buffer) => Pick<KindRecord<K>, F>

/**
 * Encodes and decodes the records of one topic in Avro binary: a union, so the branch index (one zigzag byte) and
 * then the record (Avro 1.12, "Unions"). No framing: that belongs to the log engine.
 *
 * `writerSchema` is the schema the bytes were written with, when it is not this version's own.
 */
export class TopicCodec<T extends TopicName> {
  readonly topic: T
  readonly kinds: readonly TopicKind<T>[]
  /** This version's schema of the topic, self-contained. */
  readonly schema: Schema[]
  readonly #types: Map<string, Type> = new Map()
  readonly #readers: Type[]
  readonly #resolvers: (ReturnType<Type['createResolver']> | undefined)[]
  readonly #writerKinds: TopicKind<T>[]
  readonly #writerTypes: Type[]

  /** @throws SchemaError `schema_incompatible` when this version cannot read what `writerSchema` wrote. */
  constructor(topic: T, writerSchema?: Schema[]) {
    this.topic = topic
    this.kinds = topics[topic].records as readonly TopicKind<T>[]
    this.schema = unionSchema(this.kinds)
    this.#readers = this.kinds.map((kind) => avro.Type.forSchema(namedSchema(kind)))
    this.kinds.forEach((kind, index) => {
      this.#types.set(kind, this.#readers[index] as Type)
    })
    if (writerSchema === undefined) {
      this.#writerKinds = [...this.kinds]
      this.#writerTypes = this.#readers
      this.#resolvers = this.kinds.map(() => undefined)
      return
    }
    this.#writerTypes = branchTypes(writerSchema)
    this.#writerKinds = this.#writerTypes.map((type) => simpleName(type) as TopicKind<T>)
    this.#resolvers = this.#writerTypes.map((type) => {
      const reader = this.#types.get(simpleName(type))
      if (reader === undefined || sameEncoding(reader, type)) return undefined
      try {
        return reader.createResolver(type)
      } catch (cause) {
        const why = incompatibilities(this.schema, writerSchema).join('; ')
        throw new SchemaError(
          'schema_incompatible',
          `topic ${topic}: this version cannot read what was written: ${why}`,
          {
            cause,
          },
        )
      }
    })
  }

  /** The branch of an encoded record; undefined for a kind this version does not know. */
  kindOf(bytes: Uint8Array): TopicKind<T> | undefined {
    const kind = this.#writerKinds[branchOf(bytes)]
    return kind !== undefined && this.#types.has(kind) ? kind : undefined
  }

  /** Whether records of this kind were written with this version's own schema: their bytes can be read in place. */
  isCurrent(kind: TopicKind<T>): boolean {
    const branch = this.#writerKinds.indexOf(kind)
    return branch >= 0 && this.#resolvers[branch] === undefined && this.#types.has(kind)
  }

  /** @throws SchemaError `record_invalid` when the bytes are not a record of this topic. */
  decode(bytes: Buffer): TopicRecord<T> {
    const branch = branchOf(bytes)
    const kind = this.#writerKinds[branch]
    const writer = this.#writerTypes[branch]
    if (kind === undefined || writer === undefined) {
      throw new SchemaError('record_invalid', `topic ${this.topic}: no union branch ${branch}`)
    }
    const resolver = this.#resolvers[branch]
    const decoded =
      resolver === undefined ? writer.decode(bytes, 1) : (this.#types.get(kind) as Type).decode(bytes, 1, resolver)
    if (decoded.offset < 0) throw new SchemaError('record_invalid', `topic ${this.topic}: ${kind} is cut short`)
    return { kind, value: decoded.value } as TopicRecord<T>
  }

  /** @throws SchemaError `record_invalid` naming the field that does not fit the schema. */
  encode<K extends TopicKind<T>>(kind: K, value: KindRecord<K>): Buffer {
    let buffer = Buffer.allocUnsafe(1024)
    let end = this.write(kind, value, buffer, 0)
    if (end < 0) {
      buffer = Buffer.allocUnsafe(buffer.length - end)
      end = this.write(kind, value, buffer, 0)
    }
    return buffer.subarray(0, end)
  }

  /**
   * Encodes into `buffer` at `position`; returns the new position, or, when it does not fit, minus the bytes lacking.
   * The buffer's content behind `position` is then undefined.
   */
  write<K extends TopicKind<T>>(kind: K, value: KindRecord<K>, buffer: Buffer, position: number): number {
    const type = this.#types.get(kind) as Type
    if (position < buffer.length) buffer[position] = this.kinds.indexOf(kind) << 1
    try {
      return type.encode(value, buffer, position + 1)
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      throw new SchemaError('record_invalid', `topic ${this.topic}: ${kind}: ${message}`, { cause })
    }
  }

  /** A reader of the named fields only: several times faster than a whole decode. */
  fields<K extends TopicKind<T>, F extends keyof KindRecord<K> & string>(
    kind: K,
    names: readonly F[],
  ): FieldReader<K, F> {
    const whole = namedSchema(kind) as unknown as { fields: { name: string }[] }
    const part = { ...whole, fields: names.map((name) => whole.fields.find((field) => field.name === name)) }
    const branch = this.#writerKinds.indexOf(kind)
    const writer = this.#writerTypes[branch] as Type
    // A definition left out with its field may be mentioned again by a later one: make the part self-contained anew.
    const reader = avro.Type.forSchema(selfContained(part) as Schema)
    const resolver = reader.createResolver(writer)
    return (bytes) => reader.decode(bytes, 1, resolver).value
  }
}

/** Index of the union branch: one zigzag varint, always one byte here. */
function branchOf(bytes: Uint8Array): number {
  return (bytes[0] ?? 0xff) >> 1
}

/** Whether both types encode alike: equal in canonical form (Avro 1.12, "Parsing Canonical Form"). */
function sameEncoding(one: Type, other: Type): boolean {
  return JSON.stringify(one.schema()) === JSON.stringify(other.schema())
}

function simpleName(type: Type): string {
  return (type.name ?? '').split('.').pop() ?? ''
}

function branchTypes(schema: Schema[]): Type[] {
  // One registry for all branches: a later branch mentions by name what an earlier one defined.
  const registry: Record<string, Type> = {}
  return schema.map((branch) => avro.Type.forSchema(branch, { registry }))
}

function selfContained(schema: unknown, defined = new Set<string>()): unknown {
  if (typeof schema === 'string') {
    const name = schema.split('.').pop() as string
    const file = avroFiles.get(name)
    if (file === undefined || defined.has(name)) return schema
    return selfContained(file, defined)
  }
  if (Array.isArray(schema)) return schema.map((branch) => selfContained(branch, defined))
  if (typeof schema !== 'object' || schema === null) return schema
  const node = schema as Record<string, unknown>
  if (typeof node.name === 'string' && typeof node.type === 'string') defined.add(node.name)
  if (node.type === 'record') {
    const fields = node.fields as Record<string, unknown>[]
    return { ...node, fields: fields.map((field) => ({ ...field, type: selfContained(field.type, defined) })) }
  }
  if (node.type === 'array') return { ...node, items: selfContained(node.items, defined) }
  if (node.type === 'map') return { ...node, values: selfContained(node.values, defined) }
  return node
}
