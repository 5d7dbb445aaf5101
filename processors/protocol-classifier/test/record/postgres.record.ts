import pg from 'pg'
import { test } from 'vitest'
import * as postgres from '../../../../tests/servers/postgres.js'
import { runProgram } from '../../../../tests/servers/run-program.js'
import { findProgram, ownUser, temporaryDirectory } from '../../../../tests/servers/surroundings.js'
import { type Vector, vectorsOf, writeVectors } from './fixture.js'
import { recordingProxy } from './recording-proxy.js'
import { selfSigned } from './self-signed.js'

test('postgres', async () => {
  const vectors: Vector[] = []
  const server = await postgres.start()
  const label = (
    await runProgram(findProgram(['/usr/lib/postgresql/15/bin/postgres'], 'postgresql-15'), ['--version'])
  ).trim()
  const clientLabel = 'node-postgres (pg) 8'
  const record = async (scenario: string, client: string, port: number, act: (port: number) => Promise<void>) => {
    const proxy = await recordingProxy(port)
    await act(proxy.port)
    vectors.push(...vectorsOf(scenario, label, client, await proxy.finish()))
  }
  const settings = { host: '127.0.0.1', user: server.user, password: server.password, database: 'postgres' }
  await record('startup, query, prepared query', clientLabel, server.port, async (port) => {
    const client = new pg.Client({ ...settings, port })
    await client.connect()
    await client.query('SELECT 1 AS one')
    await client.query('SELECT $1::text AS given', ['two'])
    await client.end()
  })
  await record('wrong password', clientLabel, server.port, async (port) => {
    const client = new pg.Client({ ...settings, port, password: 'wrong' })
    await client.connect().catch(() => {})
    await client.end().catch(() => {})
  })
  await record('SSLRequest refused', clientLabel, server.port, async (port) => {
    const client = new pg.Client({ ...settings, port, ssl: true })
    await client.connect().catch(() => {})
    await client.end().catch(() => {})
  })
  const psql = async (port: number, mode: string) => {
    const url = `postgresql://${server.user}@localhost:${port}/postgres?hostaddr=127.0.0.1&sslmode=${mode}`
    await runProgram(findProgram(['psql'], 'postgresql-client-15'), [url, '-Atc', 'SELECT 1'], {
      env: { PGPASSWORD: server.password, HOME: '/nonexistent' },
    })
  }
  await record('SSLRequest refused, startup follows', 'psql 15', server.port, (port) => psql(port, 'prefer'))
  await server.stop()

  const user = ownUser('postgres', 'postgresql-15')
  const directory = await temporaryDirectory('certificate', user)
  const { key, cert } = await selfSigned(directory.path, user)
  const secure = await postgres.start(['ssl=on', `ssl_key_file=${key}`, `ssl_cert_file=${cert}`])
  await record('SSLRequest, then TLS', 'psql 15', secure.port, (port) => psql(port, 'require'))
  await secure.stop()
  await directory.remove()
  writeVectors('postgres', vectors)
})
