import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { programPath } from '../system/program-path.js'
import { ImageFolder } from './image-folder.js'

const postgresEntrypoint = fileURLToPath(new URL('../../stand-ins/postgres.sh', import.meta.url))

/**
 * The images that compose.yaml and the Dockerfile name, by name, made of the programs of this machine. The caller removes
 * the folders.
 * @throws DemoError `server_missing`
 */
export const serverImages: Record<string, () => ImageFolder> = {
  'docker.io/library/postgres:15': postgres,
  'docker.io/library/redis:7': redis,
  'docker.io/library/nats:2': nats,
  'docker.io/library/node:22-slim': node,
}

function postgres(): ImageFolder {
  const bin = dirname(programPath('initdb'))
  const version = dirname(bin)
  const entrypoint = '/usr/local/bin/docker-entrypoint.sh'
  const image = new ImageFolder({ name: 'postgres', id: 999 })
  for (const program of ['initdb', 'postgres']) image.addProgram(join(bin, program))
  // Libraries that initdb loads into the new cluster.
  for (const library of ['plpgsql', 'dict_snowball']) image.addProgram(join(version, 'lib', `${library}.so`))
  image.addFiles(version.replace('/lib/', '/share/'))
  if (existsSync('/usr/share/zoneinfo')) image.addFiles('/usr/share/zoneinfo')
  // initdb asks the shell to run the server (popen(3)).
  for (const program of ['/bin/sh', '/bin/rm']) image.addProgram(program)
  image.write(entrypoint, readFileSync(postgresEntrypoint, 'utf8'), 0o755)
  image.addWritableFolder('/var/lib/postgresql')
  return image.describe(
    'USER postgres',
    `ENV PATH=${bin}:/usr/local/bin:/usr/bin:/bin`,
    'EXPOSE 5432',
    // "Fast shutdown" (PostgreSQL documentation, Server Shutdown): does not wait for clients to go.
    'STOPSIGNAL SIGINT',
    `ENTRYPOINT ["${entrypoint}"]`,
  )
}

function redis(): ImageFolder {
  const image = new ImageFolder({ name: 'redis', id: 999 })
  image.addProgram(programPath('redis-server'), '/usr/local/bin')
  image.addWritableFolder('/data')
  // As the public image: clients of other hosts need no password.
  const command = ['redis-server', '--protected-mode', 'no']
  return image.describe('USER redis', 'WORKDIR /data', 'EXPOSE 6379', `CMD ${JSON.stringify(command)}`)
}

function nats(): ImageFolder {
  const image = new ImageFolder()
  image.addProgram(programPath('nats-server'), '/usr/local/bin')
  return image.describe('EXPOSE 4222 8222 6222', 'CMD ["nats-server"]')
}

function node(): ImageFolder {
  const image = new ImageFolder({ name: 'node', id: 1000 })
  image.addProgram(process.execPath, '/usr/local/bin')
  return image.describe('CMD ["node"]')
}
