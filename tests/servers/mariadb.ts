import { join } from 'node:path'
import { runProgram } from './run-program.js'
import { type RunningServer, startServer } from './running-server.js'
import { findProgram, freePort, ownUser, temporaryDirectory } from './surroundings.js'

const install = 'apt-get install mariadb-server'

/** MariaDB; user `tester` with password `secret`, database `test`. */
export interface MariadbServer extends RunningServer {
  user: string
  password: string
  database: string
}

/** @param extra further arguments of mariadbd. @throws ServerError */
export async function start(extra: readonly string[] = []): Promise<MariadbServer> {
  const mariadbd = findProgram(['mariadbd'], install)
  const installDb = findProgram(['mariadb-install-db'], install)
  const owner = ownUser('mysql', install)
  const directory = await temporaryDirectory('mariadb', owner)
  const data = join(directory.path, 'data')
  const account = { user: 'tester', password: 'secret', database: 'test' }
  const setUp = [
    `CREATE DATABASE IF NOT EXISTS ${account.database};`,
    `CREATE USER '${account.user}'@'127.0.0.1' IDENTIFIED BY '${account.password}';`,
    `GRANT ALL ON ${account.database}.* TO '${account.user}'@'127.0.0.1';`,
  ]
  try {
    const small = ['--innodb-buffer-pool-size=16M', '--innodb-log-file-size=8M', '--innodb-flush-log-at-trx-commit=0']
    const options = ['--no-defaults', `--datadir=${data}`, '--skip-test-db', '--auth-root-authentication-method=normal']
    await runProgram(installDb, [...options, ...small], { user: owner, cwd: directory.path })
    const initFile = join(directory.path, 'init.sql')
    await runProgram('/bin/sh', ['-c', 'printf "%s\\n" "$2" > "$1"', 'write', initFile, setUp.join('\n')], {
      user: owner,
    })
    const port = await freePort()
    const files = [
      `--datadir=${data}`,
      `--socket=${join(directory.path, 'socket')}`,
      `--pid-file=${join(directory.path, 'pid')}`,
    ]
    const network = ['--bind-address=127.0.0.1', `--port=${port}`, '--skip-name-resolve', `--init-file=${initFile}`]
    const server = await startServer({
      name: 'MariaDB',
      command: mariadbd,
      args: ['--no-defaults', ...files, ...network, ...small, ...extra],
      port,
      user: owner,
      cwd: directory.path,
      readyLine: /ready for connections/,
      cleanUp: directory.remove,
    })
    return { ...server, ...account }
  } catch (error) {
    await directory.remove()
    throw error
  }
}
