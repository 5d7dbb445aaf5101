import { connect } from '@nats-io/transport-node'
import { test } from 'vitest'
import * as nats from '../../../../tests/servers/nats.js'
import { type Vector, vectorsOf, writeVectors } from './fixture.js'
import { converse } from './raw-client.js'
import { recordingProxy } from './recording-proxy.js'

test('nats', async () => {
  const vectors: Vector[] = []
  const server = await nats.start()
  const record = async (scenario: string, client: string, act: (port: number) => Promise<unknown>) => {
    const proxy = await recordingProxy(server.port)
    await act(proxy.port)
    vectors.push(...vectorsOf(scenario, 'nats-server 2.9', client, await proxy.finish()))
  }
  await record('publish and subscribe', '@nats-io/transport-node 3', async (port) => {
    const connection = await connect({ servers: `127.0.0.1:${port}`, ignoreClusterUpdates: true })
    const subscription = connection.subscribe('requests', { max: 1 })
    await connection.flush()
    connection.publish('requests', 'GET /')
    for await (const message of subscription) message.string()
    await connection.close()
  })
  await record('by hand', 'lines of the protocol documentation', (port) =>
    converse(port, ['connect {}\r\n', 'PING\r\n', 'sub news 1\r\npub news 5\r\nhello\r\n', 'nonsense\r\n'], true),
  )
  await server.stop()
  writeVectors('nats', vectors)
})
