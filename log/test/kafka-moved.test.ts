import { once } from 'node:events'
import { createServer } from 'node:net'
import { openKafkaLog } from '@syscribe/log'
import { type TestBroker, testBroker } from '@syscribe/test-broker'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster } from '../src/kafka/client/cluster.js'
import { metadataRequest } from '../src/kafka/client/requests/metadata.js'
import { settings } from './contract/contract-log.js'
import { randomPrefix } from './kafka/engine.js'

let broker: TestBroker
beforeAll(async () => {
  broker = await testBroker()
}, 300_000)
afterAll(() => broker.stop())

const prefix = randomPrefix()
const topic = `${prefix}moved`
const group = `${prefix}group`

/** What is known is that a broker has all of it which is gone: its address, or, with `listed` false, not even that. */
async function outdated(listed: boolean): Promise<Cluster> {
  const gone = 1_000_000
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return new Cluster(
    {
      brokers: broker.brokers,
      clientId: 'test',
      tls: null,
      sasl: null,
      connectTimeoutMs: 5000,
      requestTimeoutMs: 20_000,
    },
    {
      brokers: new Map(listed ? [[gone, { host: '127.0.0.1', port }]] : []),
      controller: gone,
      leaders: new Map([[topic, [gone]]]),
      coordinators: new Map([
        [JSON.stringify({ group }), gone],
        [JSON.stringify({ transactionalId: group }), gone],
      ]),
    },
  )
}

describe('a broker that is gone has given what it had to others', () => {
  beforeAll(async () => {
    const log = await openKafkaLog({ brokers: broker.brokers, prefix })
    await log.createTopics([settings('moved')])
    await log.close()
  })
  afterAll(async () => {
    const log = await openKafkaLog({ brokers: broker.brokers, prefix })
    await log.deleteTopic('moved')
    await log.close()
  })

  for (const listed of [true, false]) {
    for (const place of [
      { topic, partition: 0 },
      { group },
      { transactionalId: group },
      { controller: true } as const,
    ]) {
      it(`${Object.keys(place)[0]}, ${listed ? 'where it was is known' : 'where it was is not known any more'}`, async () => {
        const cluster = await outdated(listed)
        const patience = { until: performance.now() + 15_000 }
        const { brokers } = await cluster.ask(place, metadataRequest([]), patience).finally(() => cluster.close())
        expect(brokers.length).toBeGreaterThan(0)
      }, 60_000)
    }
  }
})
