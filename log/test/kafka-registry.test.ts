import { type Log, openKafkaLog } from '@syscribe/log'
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { batchOf, expectFault, record, settings } from './contract/contract-log.js'
import { recordContract } from './contract/records.js'
import { topicContract } from './contract/topics.js'
import { kafkaEngine, randomPrefix } from './kafka/engine.js'
import { messagesOf } from './kafka/messages.js'
import { withRegistry } from './kafka/with-registry.js'

const given = withRegistry()

describe('kafka log with a schema registry', () => {
  const engine = kafkaEngine(given)
  topicContract(engine)
  recordContract(engine)
})

describe('schemas in a registry', () => {
  const fields = (...names: string[]) => names.map((name) => ({ name, type: 'string' }))
  const first = { type: 'record', name: 'A', fields: fields('a') }
  const sharedPrefix = randomPrefix()

  async function open(prefix = randomPrefix()): Promise<{ log: Log; prefix: string }> {
    const log = await openKafkaLog({ ...given(), prefix })
    await log.createTopics([settings('http')])
    return { log, prefix }
  }

  it('are registered under the topic, to be compatible with all before', async () => {
    const { log, prefix } = await open()
    await log.registerSchema('http', first)
    const subject = `${prefix}http-value`
    expect(await (await fetch(`${given().registry.url}/subjects/${subject}/versions`)).json()).toEqual([1])
    const config = await (await fetch(`${given().registry.url}/config/${subject}`)).json()
    expect(config).toMatchObject({ compatibilityLevel: 'BACKWARD_TRANSITIVE' })
    // A field without a default cannot be read from older records.
    const incompatible = { ...first, fields: fields('a', 'b') }
    await expectFault(log.registerSchema('http', incompatible), 'invalid', 'http', 'BACKWARD_TRANSITIVE')
    const more = { ...first, fields: [...fields('a'), { name: 'b', type: 'string', default: '' }] }
    const id = await log.registerSchema('http', more)
    expect(await log.schema(id)).toEqual(more)
    await log.close()
  })

  it('are registered by many processes at the same moment, as they all start', async () => {
    const logs = await Promise.all(Array.from({ length: 8 }, () => open(sharedPrefix)))
    for (let round = 0; round < 5; round++) {
      const topic = `http.${round}`
      await logs[0]?.log.createTopics([settings(topic)])
      const ids = await Promise.all(logs.map(({ log }) => log.registerSchema(topic, first)))
      expect(new Set(ids).size).toBe(1)
    }
    for (const { log } of logs) await log.close()
  })

  it('are named by messages as a Confluent client expects it', async () => {
    const { log, prefix } = await open()
    const id = await log.registerSchema('http', first)
    const producer = await log.producer()
    await producer.append([{ topic: 'http', partition: 0, batch: batchOf([record('hi', 'k')], id) }])
    const [message] = await messagesOf(given(), `${prefix}http`, 1)
    const header = Buffer.alloc(5)
    header.writeUInt32BE(id, 1)
    expect(message!.value).toEqual(Buffer.concat([header, Buffer.from('hi')]))
    await log.close()
  })

  it('of records from before there was a registry are still found', async () => {
    const prefix = randomPrefix()
    const plain = await openKafkaLog({ brokers: given().brokers, prefix })
    await plain.createTopics([settings('http')])
    const id = await plain.registerSchema('http', first)
    const before = await plain.producer()
    await before.append([{ topic: 'http', partition: 0, batch: batchOf([record('old')], id) }])
    await plain.close()
    const { log } = await open(prefix)
    const reader = await log.reader()
    await reader.assign([{ topic: 'http', partition: 0, offset: 0 }])
    const [fetched] = await reader.poll({ waitMs: 5000 })
    expect(fetched!.batch.schemaId).toBe(id)
    expect(await log.schema(id)).toEqual(first)
    await log.close()
  })

  it('cannot be had while the registry is away, and that is said', async () => {
    const { log } = await open()
    await log.close()
    const url = 'http://127.0.0.1:1/apis'
    const lonely = await openKafkaLog({
      brokers: given().brokers,
      prefix: randomPrefix(),
      registry: { url },
      operationTimeoutMs: 1000,
    })
    await lonely.createTopics([settings('http')])
    await expectFault(lonely.registerSchema('http', first), 'unavailable', url)
    await lonely.close()
  })
})

describe('schemas without a registry', () => {
  it('are in a compacted topic, and messages are in the single-object encoding', async () => {
    const prefix = randomPrefix()
    const log = await openKafkaLog({ brokers: given().brokers, prefix })
    await log.createTopics([settings('http')])
    const schema = { type: 'string', doc: 'not in the canonical form' }
    const id = await log.registerSchema('http', schema)
    const producer = await log.producer()
    await producer.append([{ topic: 'http', partition: 0, batch: batchOf([record('hi', 'k')], id) }])
    const [message] = await messagesOf(given(), `${prefix}http`, 1)
    const [kept] = await messagesOf(given(), `${prefix}schemas`, 1)
    // The fingerprint of "string" (Avro's test data, share/test/data/schema-tests.txt: -8142146995180207161).
    const fingerprint = Buffer.alloc(8)
    fingerprint.writeBigInt64LE(-8142146995180207161n)
    expect(message!.value).toEqual(Buffer.concat([Buffer.from([0xc3, 0x01]), fingerprint, Buffer.from('hi')]))
    expect(kept!.key!.toString()).toBe(BigInt.asUintN(64, -8142146995180207161n).toString(16))
    expect(JSON.parse(kept!.value!.subarray(10).toString())).toEqual(schema)
    const admin = new Kafka({ brokers: given().brokers, logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: `${prefix}schemas`, configNames: ['cleanup.policy'] }],
    })
    expect(resources[0]!.configEntries[0]!.configValue).toBe('compact')
    await admin.disconnect()
    await log.close()
  })
})
