import { join } from 'node:path'
import { runProgram } from './run-program.js'
import { type RunningServer, startServer } from './running-server.js'
import { findProgram, freePort, ownUser, temporaryDirectory } from './surroundings.js'

const install = 'apt-get install postgresql-15'

/** PostgreSQL; user `postgres` with password `secret`, database `postgres`. */
export interface PostgresServer extends RunningServer {
  user: string
  password: string
}

/**
 * @param extra further settings, `name=value`
 * @param env more of its environment
 * @throws ServerError
 */
export async function start(
  extra: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<PostgresServer> {
  const versions = [18, 17, 16, 15].map((version) => `/usr/lib/postgresql/${version}/bin`)
  const find = (name: string): string => findProgram([...versions.map((each) => `${each}/${name}`), name], install)
  const user = ownUser('postgres', install)
  const directory = await temporaryDirectory('postgres', user)
  const data = join(directory.path, 'data')
  const password = 'secret'
  try {
    const initdb = `"$1" -D "$2" -U postgres --auth=scram-sha-256 --pwfile=/dev/stdin --no-sync -E UTF8 --no-locale <<X\n${password}\nX\n`
    await runProgram('/bin/sh', ['-c', initdb, 'initdb', find('initdb'), data], { user, cwd: directory.path })
    const port = await freePort()
    const settings = [
      'listen_addresses=127.0.0.1',
      `unix_socket_directories=${directory.path}`,
      'fsync=off',
      'shared_buffers=16MB',
    ]
    const server = await startServer({
      name: 'PostgreSQL',
      command: find('postgres'),
      args: ['-D', data, '-p', String(port), ...[...settings, ...extra].flatMap((each) => ['-c', each])],
      env,
      port,
      user,
      cwd: directory.path,
      readyLine: /ready to accept connections/,
      stopSignal: 'SIGINT',
      cleanUp: directory.remove,
    })
    return { ...server, user: 'postgres', password }
  } catch (error) {
    await directory.remove()
    throw error
  }
}
