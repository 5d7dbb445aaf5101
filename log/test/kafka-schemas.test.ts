import { createRequire } from 'node:module'
import { TopicCodec, topicNames } from '@syscribe/schemas'
import { describe, expect, it } from 'vitest'
import { canonicalForm, schemaFingerprint } from '../src/kafka/canonical-form.js'

const avro = createRequire(new URL('../../schemas/src/codec.ts', import.meta.url))('avsc') as {
  Type: { forSchema(schema: unknown): { schema(): unknown } }
}

describe('a fingerprint', () => {
  // Canonical forms and fingerprints of Avro's own test data, share/test/data/schema-tests.txt.
  it.each([
    ['null', '"null"', 7195948357588979594n],
    [{ type: 'null' }, '"null"', 7195948357588979594n],
    ['boolean', '"boolean"', -6970731678124411036n],
    ['int', '"int"', 8247732601305521295n],
    ['long', '"long"', -3434872931120570953n],
    ['float', '"float"', 5583340709985441680n],
    ['double', '"double"', -8181574048448539266n],
    ['bytes', '"bytes"', 5746618253357095269n],
    ['string', '"string"', -8142146995180207161n],
    [[], '[]', -1241056759729112623n],
    [['int'], '["int"]', -5232228896498058493n],
    [['int', 'boolean'], '["int","boolean"]', 5392556393470105090n],
    [{ fields: [], type: 'record', name: 'foo' }, '{"name":"foo","type":"record","fields":[]}', -4824392279771201922n],
    [
      { fields: [], type: 'record', name: 'foo', namespace: 'x.y' },
      '{"name":"x.y.foo","type":"record","fields":[]}',
      5916914534497305771n,
    ],
  ])('of %j is that of Avro', (schema, form, fingerprint) => {
    expect(canonicalForm(schema)).toBe(form)
    expect(BigInt.asIntN(64, schemaFingerprint(schema))).toBe(fingerprint)
  })

  it.each(topicNames)('of the schema of %s has the canonical form that avsc finds', (topic) => {
    const { schema } = new TopicCodec(topic)
    expect(JSON.parse(canonicalForm(schema))).toEqual(
      // A union's branches may name what earlier ones define, so it is read as a whole.
      JSON.parse(JSON.stringify(avro.Type.forSchema(schema).schema())),
    )
  })

  it('is not changed by docs, defaults and aliases', () => {
    const plain = { type: 'record', name: 'A', fields: [{ name: 'f', type: 'int' }] }
    const dressed = {
      type: 'record',
      name: 'A',
      doc: 'about',
      aliases: ['B'],
      fields: [{ name: 'f', type: { type: 'int', logicalType: 'date' }, default: 1, doc: 'more' }],
    }
    expect(schemaFingerprint(dressed)).toBe(schemaFingerprint(plain))
  })
})
