import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import type { DemoError } from './demo-error.js'
import { Member } from './member.js'
import { hosts } from './names.js'
import { programPath } from './program-path.js'

/** "nobody": PostgreSQL refuses to run as root, and none of the servers needs to. */
const owner = { uid: 65534, gid: 65534 }
const readyMs = 30_000

interface ServerContext {
  folder: string
  env: NodeJS.ProcessEnv
  onEarlyEnd(error: DemoError): void
}

/** PostgreSQL with a database `demo` of a user `demo`, in a folder of its own, gone with it. */
export async function startPostgres(context: ServerContext): Promise<Member> {
  const folder = ownedFolder(context.folder, 'postgres')
  const data = join(folder, 'data')
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, 'demo\n', { mode: 0o600 })
  chownSync(passwordFile, owner.uid, owner.gid)
  const options = { ...owner, env: { ...context.env, LC_ALL: 'C.UTF-8' }, cwd: folder, stdio: 'pipe' as const }
  const initArgs = [
    '-D',
    data,
    '-U',
    'demo',
    '-A',
    'scram-sha-256',
    `--pwfile=${passwordFile}`,
    '-E',
    'UTF8',
    '--no-sync',
  ]
  execFileSync(programPath('initdb'), initArgs, options)
  const settings = { listen_addresses: hosts.postgres, unix_socket_directories: folder, fsync: 'off' }
  const member = new Member({
    name: 'postgres',
    program: programPath('postgres'),
    args: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    env: options.env,
    cwd: folder,
    ...owner,
    // "Fast shutdown" (PostgreSQL documentation, Server Shutdown): does not wait for clients to go.
    stopSignal: 'SIGINT',
    onEarlyEnd: context.onEarlyEnd,
  })
  await member.waitUntil(createDatabase, readyMs)
  return member
}

async function createDatabase(): Promise<boolean> {
  const client = new pg.Client({
    host: hosts.postgres,
    port: 5432,
    user: 'demo',
    password: 'demo',
    database: 'postgres',
  })
  try {
    await client.connect()
    await client.query('CREATE DATABASE demo')
    return true
  } finally {
    await client.end()
  }
}

export async function startRedis(context: ServerContext): Promise<Member> {
  const folder = ownedFolder(context.folder, 'redis')
  const member = new Member({
    name: 'redis',
    program: programPath('redis-server'),
    args: ['--bind', hosts.redis, '--port', '6379', '--save', '', '--appendonly', 'no', '--dir', folder],
    env: context.env,
    cwd: folder,
    ...owner,
    onEarlyEnd: context.onEarlyEnd,
  })
  await member.waitUntil(() => accepts(hosts.redis, 6379), readyMs)
  return member
}

export async function startNats(context: ServerContext): Promise<Member> {
  const folder = ownedFolder(context.folder, 'nats')
  const member = new Member({
    name: 'nats-server',
    program: programPath('nats-server'),
    args: ['--addr', hosts['nats-server'], '--port', '4222'],
    env: context.env,
    cwd: folder,
    ...owner,
    onEarlyEnd: context.onEarlyEnd,
  })
  await member.waitUntil(() => accepts(hosts['nats-server'], 4222), readyMs)
  return member
}

function ownedFolder(parent: string, name: string): string {
  const folder = join(parent, name)
  mkdirSync(folder, { mode: 0o700 })
  chownSync(folder, owner.uid, owner.gid)
  return folder
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
