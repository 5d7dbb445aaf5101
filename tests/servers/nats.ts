import { type RunningServer, startServer } from './running-server.js'
import { findProgram, freePort } from './surroundings.js'

/** NATS server, no authentication. @throws ServerError */
export async function start(): Promise<RunningServer> {
  const nats = findProgram(['nats-server'], 'apt-get install nats-server')
  const port = await freePort()
  return startServer({
    name: 'NATS',
    command: nats,
    args: ['--addr', '127.0.0.1', '--port', String(port), '--name', 'test-server'],
    port,
    readyLine: /Server is ready/,
    cwd: '/',
  })
}
