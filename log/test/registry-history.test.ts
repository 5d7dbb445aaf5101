import { topicNames, topics, unionSchema } from '@syscribe/schemas'
import { type TestBroker, type TestRegistry, testBroker, testRegistry } from '@syscribe/test-broker'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { committedVersions, currentSchemas } from '../../schemas/history.mjs'
import { openKafkaLog } from '../src/index.js'
import { expectFault, settings } from './contract/contract-log.js'
import { randomPrefix } from './kafka/engine.js'

// What schemas/history says is compatible, a registry has to say too: it is what a cluster refuses or takes.

let broker: TestBroker
let registry: TestRegistry
beforeAll(async () => {
  ;[broker, registry] = await Promise.all([testBroker(), testRegistry()])
}, 300_000)
afterAll(async () => {
  await broker.stop()
  await registry.stop()
})

interface Kind {
  fields: { name: string; type: unknown; default?: unknown }[]
}

it('a registry takes every version of every topic in turn, and refuses what old records do not survive', async () => {
  const log = await openKafkaLog({ brokers: broker.brokers, prefix: randomPrefix(), registry: { url: registry.url } })
  try {
    for (const [topic, schema] of currentSchemas({ topicNames, topics, unionSchema })) {
      await log.createTopics([settings(topic)])
      const versions = committedVersions(topic)
      const ids = []
      for (const version of [...versions, schema]) ids.push(await log.registerSchema(topic, version))
      expect(await log.schema(ids.at(-1) as number)).toEqual(schema)
      const broken = structuredClone(schema) as Kind[]
      broken[0]?.fields.push({ name: 'unheardOf', type: 'int' })
      await expectFault(log.registerSchema(topic, broken), 'invalid', topic, 'BACKWARD_TRANSITIVE')
    }
  } finally {
    await log.close()
  }
}, 120_000)
