import { type RunningServer, startServer } from './running-server.js'
import { findProgram, freePort, ownUser } from './surroundings.js'

/** memcached, over TCP and on the same port over UDP. @throws ServerError */
export async function start(): Promise<RunningServer> {
  const install = 'apt-get install memcached'
  const memcached = findProgram(['memcached'], install)
  const port = await freePort()
  return startServer({
    name: 'memcached',
    command: memcached,
    args: ['-l', '127.0.0.1', '-p', String(port), '-U', String(port), '-m', '16', '-t', '1'],
    port,
    user: ownUser('memcache', install),
    cwd: '/',
  })
}
