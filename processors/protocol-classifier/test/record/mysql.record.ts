import mysql from 'mysql2/promise'
import { test } from 'vitest'
import * as mariadb from '../../../../tests/servers/mariadb.js'
import { runProgram } from '../../../../tests/servers/run-program.js'
import { findProgram, ownUser, temporaryDirectory } from '../../../../tests/servers/surroundings.js'
import { type Vector, vectorsOf, writeVectors } from './fixture.js'
import { recordingProxy } from './recording-proxy.js'
import { selfSigned } from './self-signed.js'

test('mysql', async () => {
  const vectors: Vector[] = []
  const program = findProgram(['mariadbd'], 'mariadb-server')
  const label = `MariaDB ${(await runProgram(program, ['--version'])).match(/Ver (\S+)-MariaDB/)?.[1]}`
  const record = async (scenario: string, client: string, port: number, act: (port: number) => Promise<void>) => {
    const proxy = await recordingProxy(port)
    await act(proxy.port)
    vectors.push(...vectorsOf(scenario, label, client, await proxy.finish()))
  }
  const server = await mariadb.start()
  const { user, password, database } = server
  const account = { host: '127.0.0.1', user, password, database }
  await record('login, query, ping, prepared statement', 'mysql2 3', server.port, async (port) => {
    const connection = await mysql.createConnection({ ...account, port })
    await connection.query('SELECT 1 AS one')
    await connection.ping()
    await connection.execute('SELECT ? AS given', ['two'])
    await connection.end()
  })
  await record('wrong password', 'mysql2 3', server.port, async (port) => {
    await mysql.createConnection({ ...account, port, password: 'wrong' }).catch(() => {})
  })
  const cli = async (port: number, extra: string[]) => {
    const where = ['--no-defaults', '-h', '127.0.0.1', '-P', String(port), '-u', user, `-p${password}`, database]
    await runProgram(findProgram(['mariadb'], 'mariadb-client'), [...where, ...extra, '-e', 'SELECT 1'])
  }
  await record('login and query', 'mariadb command line', server.port, (port) => cli(port, ['--skip-ssl']))
  await server.stop()

  const owner = ownUser('mysql', 'mariadb-server')
  const directory = await temporaryDirectory('certificate', owner)
  const { key, cert } = await selfSigned(directory.path, owner)
  const secure = await mariadb.start([`--ssl-key=${key}`, `--ssl-cert=${cert}`])
  await record('SSLRequest, then TLS', 'mariadb command line', secure.port, (port) => cli(port, ['--ssl']))
  await secure.stop()
  await directory.remove()

  // Ten connections allowed, and one more for a superuser.
  const full = await mariadb.start(['--max-connections=10', '--extra-max-connections=1'])
  const held = await Promise.all(
    Array.from({ length: 11 }, () => mysql.createConnection({ ...account, port: full.port }).catch(() => null)),
  )
  await record('too many connections', 'mysql2 3', full.port, async (port) => {
    await mysql.createConnection({ ...account, port }).catch(() => {})
  })
  for (const connection of held) connection?.destroy()
  await full.stop()
  writeVectors('mysql', vectors)
})
