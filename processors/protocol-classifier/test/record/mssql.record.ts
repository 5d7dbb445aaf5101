import { Connection } from 'tedious'
import { test } from 'vitest'
import * as mssql from '../../../../tests/servers/mssql.js'
import { type Vector, vectorsOf, writeVectors } from './fixture.js'
import { recordingProxy } from './recording-proxy.js'

test('mssql', async () => {
  const vectors: Vector[] = []
  const server = await mssql.start()
  for (const encrypt of [false, true]) {
    const proxy = await recordingProxy(server.port)
    const connection = new Connection({
      server: '127.0.0.1',
      authentication: { type: 'default', options: { userName: 'tester', password: 'secret' } },
      options: { port: proxy.port, encrypt, trustServerCertificate: true, connectTimeout: 2000 },
    })
    await new Promise((resolve) => {
      connection.on('connect', resolve)
      connection.on('error', resolve)
      connection.connect()
    })
    connection.close()
    const scenario = `PRELOGIN, encryption ${encrypt ? 'asked for' : 'off'}`
    vectors.push(...vectorsOf(scenario, 'a stand-in after [MS-TDS]', 'tedious 19', await proxy.finish()))
  }
  await server.stop()
  writeVectors('mssql', vectors)
})
