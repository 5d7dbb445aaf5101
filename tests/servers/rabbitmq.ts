import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type RunningServer, startServer } from './running-server.js'
import { findProgram, freePort, temporaryDirectory } from './surroundings.js'

const install = 'apt-get install rabbitmq-server'

/** RabbitMQ with user and password `guest`. Its pid is that of the script that leads the Erlang machine. */
export async function start(): Promise<RunningServer> {
  const rabbitmq = findProgram(['/usr/lib/rabbitmq/bin/rabbitmq-server'], install)
  const epmd = findProgram(['epmd'], install)
  const directory = await temporaryDirectory('rabbitmq', null)
  const [port, epmdPort, distributionPort] = [await freePort(), await freePort(), await freePort()]
  // Erlang would start a port mapper daemon that outlives the server: this one is ended with it.
  const mapper = spawn(epmd, ['-port', String(epmdPort), '-address', '127.0.0.1'], { stdio: 'ignore' })
  const cleanUp = async (): Promise<void> => {
    mapper.kill('SIGKILL')
    await directory.remove()
  }
  const settings = [
    'listeners.tcp.1 = 127.0.0.1:' + port,
    'log.console = true',
    'log.file = false',
    'disk_free_limit.absolute = 1MB',
  ]
  await writeFile(join(directory.path, 'rabbitmq.conf'), `${settings.join('\n')}\n`)
  await writeFile(join(directory.path, 'enabled_plugins'), '[].\n')
  return startServer({
    name: 'RabbitMQ',
    command: rabbitmq,
    args: [],
    port,
    cwd: directory.path,
    env: {
      HOME: directory.path,
      ERL_EPMD_PORT: String(epmdPort),
      RABBITMQ_NODENAME: 'rabbit@localhost',
      RABBITMQ_DIST_PORT: String(distributionPort),
      RABBITMQ_CONFIG_FILE: join(directory.path, 'rabbitmq.conf'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(directory.path, 'enabled_plugins'),
      RABBITMQ_CONF_ENV_FILE: '/dev/null',
      RABBITMQ_MNESIA_BASE: join(directory.path, 'mnesia'),
      RABBITMQ_LOG_BASE: join(directory.path, 'log'),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +A 4',
    },
    readyLine: /started TCP listener on 127\.0\.0\.1|Server startup complete/,
    // A clean stop asks the node over Erlang distribution and takes seconds; its data are thrown away.
    stopSignal: 'SIGKILL',
    cleanUp,
  })
}
