import memjs from 'memjs'
import { test } from 'vitest'
import * as memcached from '../../../../tests/servers/memcached.js'
import { runProgram } from '../../../../tests/servers/run-program.js'
import { findProgram } from '../../../../tests/servers/surroundings.js'
import { type Vector, vectorsOf, writeVectors } from './fixture.js'
import { converse } from './raw-client.js'
import { recordingProxy } from './recording-proxy.js'

test('memcached', async () => {
  const vectors: Vector[] = []
  const server = await memcached.start()
  const label = (await runProgram(findProgram(['memcached'], 'memcached'), ['--version'])).trim()
  const record = async (scenario: string, client: string, act: (port: number) => Promise<unknown>) => {
    const proxy = await recordingProxy(server.port)
    await act(proxy.port)
    vectors.push(...vectorsOf(scenario, label, client, await proxy.finish()))
  }
  await record('binary: set, get, delete', 'memjs 1', async (port) => {
    const client = memjs.Client.create(`127.0.0.1:${port}`)
    await client.set('key', 'value', { expires: 60 })
    await client.get('key')
    await client.delete('key')
    client.close()
  })
  await record('binary: get first', 'memjs 1', async (port) => {
    const client = memjs.Client.create(`127.0.0.1:${port}`)
    await client.get('nothing')
    client.close()
  })
  const scripts: Record<string, string[]> = {
    'text: set, get': ['set key 0 60 5\r\nvalue\r\n', 'get key\r\n', 'get nothing\r\n'],
    'text: get hit first': ['get key\r\n', 'gets key other\r\n'],
    'text: get miss first': ['get nothing\r\n'],
    'text: delete and incr': ['delete nothing\r\n', 'incr key 1\r\n'],
    'text: version and stats': ['version\r\n', 'stats\r\n'],
    'text: stats first': ['stats\r\n'],
    'text: gat': ['gat 60 key\r\n'],
    'meta commands': ['ms some 5 T60\r\nvalue\r\n', 'mg some v\r\n', 'mn\r\n'],
    'meta no-op first': ['mn\r\n'],
  }
  for (const [scenario, lines] of Object.entries(scripts)) {
    await record(scenario, 'commands of doc/protocol.txt', (port) => converse(port, lines))
  }
  await server.stop()
  writeVectors('memcached', vectors)
})
