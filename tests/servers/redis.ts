import { type RunningServer, startServer } from './running-server.js'
import { findProgram, freePort, temporaryDirectory } from './surroundings.js'

/** Redis, without password, keeping nothing. @throws ServerError */
export async function start(): Promise<RunningServer> {
  const redis = findProgram(['redis-server'], 'apt-get install redis-server')
  const directory = await temporaryDirectory('redis', null)
  const port = await freePort()
  return startServer({
    name: 'Redis',
    command: redis,
    args: ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no', '--dir', directory.path],
    port,
    cwd: directory.path,
    readyLine: /Ready to accept connections/,
    cleanUp: directory.remove,
  })
}
