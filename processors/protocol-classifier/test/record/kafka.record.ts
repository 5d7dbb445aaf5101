import { createConnection } from 'node:net'
import { Kafka, logLevel } from 'kafkajs'
import { test } from 'vitest'
import * as kafka from '../../../../tests/servers/kafka.js'
import { type Vector, vectorsOf, writeVectors } from './fixture.js'
import { recordingProxy } from './recording-proxy.js'

test('kafka', async () => {
  const vectors: Vector[] = []
  const server = await kafka.start()
  const record = async (scenario: string, clientId: string | undefined, act: (client: Kafka) => Promise<unknown>) => {
    const proxy = await recordingProxy(server.port)
    const client = new Kafka({
      ...(clientId === undefined ? {} : { clientId }),
      brokers: [`127.0.0.1:${proxy.port}`],
      logLevel: logLevel.NOTHING,
      // The broker names its own port: every connection goes through the proxy all the same.
      socketFactory: ({ onConnect }) => createConnection({ host: '127.0.0.1', port: proxy.port }, onConnect),
    })
    await act(client)
    vectors.push(...vectorsOf(scenario, 'Apache Kafka 4.4.0', 'kafkajs 2', await proxy.finish()))
  }
  await record('admin makes a topic', 'tester', async (client) => {
    const admin = client.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'jobs', numPartitions: 1 }], waitForLeaders: true })
    await admin.disconnect()
  })
  await record('producer', undefined, async (client) => {
    const producer = client.producer()
    await producer.connect()
    await producer.send({ topic: 'jobs', messages: [{ key: 'a', value: 'do this' }] })
    await producer.disconnect()
  })
  await record('consumer', 'tester', async (client) => {
    const consumer = client.consumer({ groupId: 'workers' })
    await consumer.connect()
    await consumer.subscribe({ topic: 'jobs', fromBeginning: true })
    await new Promise((resolve) => void consumer.run({ eachMessage: async () => resolve(null) }))
    await consumer.disconnect()
  })
  await server.stop()
  writeVectors('kafka', vectors)
})
