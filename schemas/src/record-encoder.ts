import avro from 'avsc'
import { namedSchema } from './avro-files.js'
import type { AvroRecords } from './generated.js'

/**
 * Encodes one record type by itself, without a topic's branch byte: to splice it into a record that holds it, as Avro
 * encodes a nested record like a lone one (Avro 1.12, "Records"). Make it once. The encoder throws when a field does
 * not fit.
 */
export function recordEncoder<K extends keyof AvroRecords & string>(kind: K): (value: AvroRecords[K]) => Buffer {
  const type = avro.Type.forSchema(namedSchema(kind))
  return (value) => type.toBuffer(value)
}
