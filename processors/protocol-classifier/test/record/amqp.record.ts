import amqplib from 'amqplib'
import { test } from 'vitest'
import * as rabbitmq from '../../../../tests/servers/rabbitmq.js'
import { type Vector, vectorsOf, writeVectors } from './fixture.js'
import { converse } from './raw-client.js'
import { recordingProxy } from './recording-proxy.js'

test('amqp', async () => {
  const vectors: Vector[] = []
  const server = await rabbitmq.start()
  const record = async (scenario: string, client: string, act: (port: number) => Promise<unknown>) => {
    const proxy = await recordingProxy(server.port)
    await act(proxy.port)
    vectors.push(...vectorsOf(scenario, 'RabbitMQ 3.10', client, await proxy.finish()))
  }
  await record('publish and consume', 'amqplib 2', async (port) => {
    const connection = await amqplib.connect(`amqp://guest:guest@127.0.0.1:${port}`)
    const channel = await connection.createChannel()
    await channel.assertQueue('jobs')
    const heard = new Promise((resolve) => void channel.consume('jobs', resolve, { noAck: true }))
    channel.sendToQueue('jobs', Buffer.from('do this'))
    await heard
    await connection.close()
  })
  await record('a version the server does not speak', 'header bytes', (port) => converse(port, ['AMQP\0\x01\0\0']))
  await server.stop()
  writeVectors('amqp', vectors)
})
