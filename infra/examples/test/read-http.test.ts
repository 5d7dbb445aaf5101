import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { BatchBuilder, type Log, openKafkaLog } from '@syscribe/log'
import { topicSettings } from '@syscribe/runtime'
import { blankRecord, type PartialRecord, TopicCodec } from '@syscribe/schemas'
import { type TestBroker, type TestRegistry, testBroker, testRegistry } from '@syscribe/test-broker'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pythonWith } from './python-environment.js'

const run = promisify(execFile)
const path = (name: string) => fileURLToPath(new URL(`../python/${name}`, import.meta.url))

let broker: TestBroker
let registry: TestRegistry
let python: string
beforeAll(async () => {
  ;[broker, registry] = await Promise.all([testBroker(), testRegistry()])
  python = pythonWith(path('requirements.txt'))
}, 600_000)
afterAll(async () => {
  await broker.stop()
  await registry.stop()
})

const ends = { sourceAddress: '10.0.0.1', sourcePort: 4000, destinationAddress: '10.0.0.2', destinationPort: 80 }
const back = { sourceAddress: '10.0.0.2', sourcePort: 80, destinationAddress: '10.0.0.1', destinationPort: 4000 }
const time = Date.parse('2026-11-23T10:00:00Z') * 1000

/** As http-parser writes: in a transaction, with watermarks behind. */
async function write(log: Log): Promise<void> {
  await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null, partitions: 2 }))
  const codec = new TopicCodec('http')
  const schemaId = await log.registerSchema('http', codec.schema)
  const producer = await log.producer({ transactionalId: 'http-parser-0' })
  const batch = (...messages: PartialRecord<'HttpMessage'>[]) => {
    const builder = new BatchBuilder(schemaId)
    const add = (value: Buffer) => builder.append({ timestamp: time / 1000, key: Buffer.from('c'), value })
    for (const message of messages) add(codec.encode('HttpMessage', blankRecord('HttpMessage', message)))
    add(codec.encode('Watermark', blankRecord('Watermark', { time })))
    return builder.take()
  }
  const request = { ...ends, kind: 'request', time, method: 'GET', url: '/hello' } as const
  const response = { ...back, kind: 'response', time: time + 1500, method: 'GET', url: '/hello', status: 200 } as const
  await producer.commit({
    batches: [
      { topic: 'http', partition: 0, batch: batch(request, response) },
      { topic: 'http', partition: 1, batch: batch() },
    ],
    group: 'http-parser',
    offsets: [],
  })
  await producer.close()
}

describe.each(['a schema registry', 'the topic of schemas'])('read_http.py with %s', (way) => {
  it('prints the messages', { timeout: 120_000 }, async () => {
    const prefix = `test-${randomBytes(6).toString('hex')}.`
    const registered = way === 'a schema registry'
    const options = registered ? { registry: { url: registry.url } } : {}
    const log = await openKafkaLog({ brokers: broker.brokers, prefix, ...options })
    await write(log)
    await log.close()
    const env = {
      PATH: process.env.PATH ?? '',
      KAFKA_BROKERS: broker.brokers.join(','),
      KAFKA_TOPIC_PREFIX: prefix,
      ...(registered ? { SCHEMA_REGISTRY_URL: registry.url } : {}),
    }
    const { stdout } = await run(python, [path('read_http.py'), '--once'], { env })
    expect(stdout).toBe(
      '2026-11-23T10:00:00.000000Z  10.0.0.1:4000 > 10.0.0.2:80  GET /hello\n' +
        '2026-11-23T10:00:00.001500Z  10.0.0.2:80 > 10.0.0.1:4000  GET /hello -> 200\n',
    )
  })
})
