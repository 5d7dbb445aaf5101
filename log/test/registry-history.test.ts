import { topicNames, topics, unionSchema } from '@syscribe/schemas'
import { expect, it } from 'vitest'
import { committedVersions, currentSchemas } from '../../schemas/history.mjs'
import { openKafkaLog } from '../src/index.js'
import { expectFault, settings } from './contract/contract-log.js'
import { randomPrefix } from './kafka/engine.js'
import { withRegistry } from './kafka/with-registry.js'

// What schemas/history says is compatible, a registry has to say too: it is what a cluster refuses or takes.

const given = withRegistry()

interface Kind {
  fields: { name: string; type: unknown; default?: unknown }[]
}

it('a registry takes every version of every topic in turn, and refuses what old records do not survive', async () => {
  const log = await openKafkaLog({ ...given(), prefix: randomPrefix() })
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
