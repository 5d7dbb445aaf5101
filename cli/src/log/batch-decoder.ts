import type { Log } from '@syscribe/log'
import avro, { type Type } from 'avsc'
import { type AvroSchema, bytesJson, type Json, recordJson } from './record-json.js'

/** Decodes values with the schema they were written with, so that logs of any version can be shown. */
export class BatchDecoder {
  readonly #log: Log
  readonly #types = new Map<number, { schema: AvroSchema; type: Type }>()

  constructor(log: Log) {
    this.#log = log
  }

  /** `kind` is the union branch, null for a topic of one kind; a value without a schema is shown as bytes. */
  async decode(schemaId: number, bytes: Buffer): Promise<{ kind: string | null; value: Json }> {
    if (schemaId === 0) return { kind: null, value: bytesJson(bytes) }
    const { schema, type } = await this.#typeOf(schemaId)
    const value: unknown = type.fromBuffer(bytes)
    if (!Array.isArray(schema)) return { kind: null, value: recordJson(schema, value) }
    const [branch = ''] = Object.keys(value as object)
    const json = recordJson(schema, value)
    return { kind: branch.split('.').pop() ?? branch, value: json }
  }

  async #typeOf(schemaId: number): Promise<{ schema: AvroSchema; type: Type }> {
    const known = this.#types.get(schemaId)
    if (known !== undefined) return known
    const schema = (await this.#log.schema(schemaId)) as AvroSchema
    const type = avro.Type.forSchema(schema as avro.Schema, { wrapUnions: true })
    const made = { schema, type }
    this.#types.set(schemaId, made)
    return made
  }
}
