import { createClient } from 'redis'
import { test } from 'vitest'
import * as redis from '../../../../tests/servers/redis.js'
import { runProgram } from '../../../../tests/servers/run-program.js'
import { findProgram } from '../../../../tests/servers/surroundings.js'
import { type Vector, vectorsOf, writeVectors } from './fixture.js'
import { converse } from './raw-client.js'
import { recordingProxy } from './recording-proxy.js'

test('redis', async () => {
  const vectors: Vector[] = []
  const server = await redis.start()
  const label = `Redis ${(await runProgram(findProgram(['redis-server'], 'redis-server'), ['--version'])).match(/v=(\S+)/)?.[1]}`
  const record = async (scenario: string, client: string, act: (port: number) => Promise<unknown>) => {
    const proxy = await recordingProxy(server.port)
    await act(proxy.port)
    vectors.push(...vectorsOf(scenario, label, client, await proxy.finish()))
  }
  for (const RESP of [2, 3] as const) {
    await record(`RESP${RESP}: set, get, hash, publish and subscribe`, 'node-redis 5', async (port) => {
      const client = createClient({ url: `redis://127.0.0.1:${port}`, RESP })
      await client.connect()
      await client.set('greeting', 'hello')
      await client.get('greeting')
      await client.hSet('table', { a: '1', b: '2' })
      await client.hGetAll('table')
      const subscriber = client.duplicate()
      await subscriber.connect()
      const heard = new Promise((resolve) => void subscriber.subscribe('news', resolve))
      await new Promise((resolve) => setTimeout(resolve, 50))
      await client.publish('news', 'something')
      await heard
      subscriber.destroy()
      client.destroy()
    })
  }
  await record('one command', 'redis-cli 7', async (port) => {
    await runProgram(findProgram(['redis-cli'], 'redis-tools'), ['-p', String(port), 'INCR', 'count'])
  })
  await record('inline PING', 'a person at a terminal', (port) =>
    converse(port, ['PING\r\n', 'SET word value\r\n', 'GET word\r\n']),
  )
  await record('inline SET and an unknown command', 'a person at a terminal', (port) =>
    converse(port, ['SET word value\r\n', 'WHAT\r\n']),
  )
  await server.stop()
  writeVectors('redis', vectors)
})
