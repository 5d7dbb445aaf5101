import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { node, run, type Server, startServer } from '../harness/program.js'
import { Syscribe } from '../harness/syscribe.js'
import { start as startPostgres } from '../servers/postgres.js'

// Consent is decided per process, in the kernel: what did not opt in must be nowhere, what did must be there whole.

const profile = `consent-${process.pid}`
const secret = `secret-${Math.random().toString(36).slice(2)}`
const running: { stop(): Promise<unknown> }[] = []
let syscribe: Syscribe | undefined

beforeEach(() => {
  syscribe = undefined
})
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop().catch(() => {})
  await syscribe?.dispose()
})

function server(env: Record<string, string>): Promise<Server> {
  return startServer((port) => ({ ...node('server.mjs', `${port}`), env }))
}

async function curl(port: number, body: string, env: Record<string, string>) {
  const args = ['-s', '--data-binary', body, `http://127.0.0.1:${port}/echo/${encodeURIComponent(body)}`]
  expect((await run({ command: 'curl', args, env })).stdout).toBe(body)
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

test('secrets of processes that did not opt in are nowhere, and what is written only its owner reads', async () => {
  const before = await server({ EARLY: `${secret}-early-env` })
  running.push(before)
  syscribe = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile })
  const plain = await server({ LATE: `${secret}-late-env` })
  const observed = await server({ ADI_PROFILE: profile })
  running.push(plain, observed)
  const others = [
    { LATE: `${secret}-none` },
    { ADI_PROFILE: `${profile}-other`, TOKEN: `${secret}-other-profile` },
    { ADI_PROFILE: profile, ADI_PROFILE_DISABLED: '1', TOKEN: `${secret}-disabled` },
  ]
  for (const env of others) {
    for (const { port } of [before, plain]) await curl(port, `${secret}-payload`, env)
  }
  await curl(observed.port, 'open to see', { ADI_PROFILE: profile })
  // An observed shell whose child drops the variable: consent ends with exec.
  await run({
    command: 'sh',
    args: ['-c', `(unset ADI_PROFILE; curl -s -d ${secret}-drop''ped http://127.0.0.1:${plain.port}/); :`],
    env: { ADI_PROFILE: profile },
  })
  for (const one of running.splice(0)) await one.stop()
  expect(await syscribe.stop(), syscribe.stderr).toBe(0)

  const { outputs } = syscribe
  expect(outputs.lines().some(({ body }) => body === 'open to see')).toBe(true)
  const files = filesBelow(outputs.directory)
  expect(files.length).toBeGreaterThan(3)
  for (const file of files) {
    const content = readFileSync(file)
    // The shell's command line, in the open by its consent, has the secret with quotes inside; the payload has not.
    const found = [...content.toString('latin1').matchAll(new RegExp(`${secret}-[a-z-]+`, 'g'))].map(([text]) => text)
    expect(new Set(found.filter((text) => text !== `${secret}-drop`)), file).toEqual(new Set())
    expect(statSync(file).mode & 0o077, file).toBe(0)
  }
  expect(outputs.lines().filter(({ body }) => String(body).includes(secret))).toEqual([])
})

/** Keeps every processor busy, and the kernel with exec and exit, without opting in. */
function busy() {
  const script = 'while :; do /bin/true; done & while :; do :; done & while :; do :; done'
  const child = spawn('sh', ['-c', script], { stdio: 'ignore', detached: true })
  return { stop: async () => process.kill(-(child.pid as number), 'SIGKILL') }
}

test.each([
  ['', false],
  [', also under load', true],
])('100 of 100 processes that live for milliseconds are captured whole%s', { timeout: 90_000 }, async (_, loaded) => {
  syscribe = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile })
  const echo = await server({})
  running.push(echo)
  const load = loaded ? busy() : null
  if (load !== null) running.push(load)
  for (let n = 0; n < 100; n++) await curl(echo.port, `short-${n}`, { ADI_PROFILE: profile, NUMBER: `${n}` })
  await load?.stop()
  expect(await syscribe.stop(), syscribe.stderr).toBe(0)

  const lines = syscribe.outputs.lines()
  const requests = lines.filter(({ method, direction }) => method === 'POST' && direction === 'send')
  const bodies = requests.map(({ body }) => body)
  expect(bodies).toEqual(Array.from({ length: 100 }, (_, n) => `short-${n}`))
  expect(lines.filter((line) => 'status_code' in line).map(({ body }) => body)).toEqual(bodies)
  const documents = syscribe.outputs.documents()
  expect(documents.map((document) => (document.adi_profile_env as Record<string, string>).NUMBER)).toEqual(
    Array.from({ length: 100 }, (_, n) => `${n}`),
  )
})

test('connections open before the start are adopted with both addresses, their role, and the next whole message', async () => {
  const echo = await server({ ADI_PROFILE: profile, ADI_PROFILE_NAME: 'early-server' })
  running.push(echo)
  const script = `
    const { Agent, request } = require('node:http')
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    process.stdin.on('data', () => {
      const sent = request({ port: ${echo.port}, host: '127.0.0.1', method: 'POST', path: '/late', agent }, (r) => r.resume().on('end', () => console.log('listening')))
      sent.end('hello')
    })
    const first = request({ port: ${echo.port}, host: '127.0.0.1', method: 'POST', path: '/early', agent }, (r) => r.resume().on('end', () => console.log('listening')))
    first.end('hello')`
  const child = spawn(process.execPath, ['-e', script], {
    env: { PATH: process.env.PATH ?? '', ADI_PROFILE: profile, ADI_PROFILE_NAME: 'early-client' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  running.push({ stop: async () => child.kill('SIGKILL') })
  const answered = () => new Promise((resolve) => child.stdout.once('data', resolve))
  await answered()
  syscribe = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile })
  child.stdin.write('go\n')
  await answered()
  expect(await syscribe.stop(), syscribe.stderr).toBe(0)

  const lines = syscribe.outputs.lines()
  expect(lines.map(({ url, direction }) => [url, direction])).toEqual([
    ['/late', 'send'],
    ['/late', 'recv'],
    ['/late', 'send'],
    ['/late', 'recv'],
  ])
  expect(new Set(lines.map(({ connection_id }) => connection_id)).size).toBe(1)
  for (const line of lines) {
    expect(line.complete).toBe(true)
    expect([line.source_port, line.dest_port]).toContain(echo.port)
    expect(line.source_ip).toBe('127.0.0.1')
  }
  expect(syscribe.outputs.map().services.map(({ name }) => name)).toEqual(['early-client'])
})

/** A server that a shell starts and stays the parent of. */
function underShell(command: (port: number) => string, env: Record<string, string>): Promise<Server> {
  return startServer((port) => {
    const wait = `until (exec 3<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null; do sleep 0.05; done; echo listening; wait`
    return { command: 'bash', args: ['-c', `${command(port)} >/dev/null & ${wait}`], env }
  })
}

/** Writes the configuration of an nginx with a worker. */
function nginxConfig(folder: string, port: number): string {
  const path = join(folder, `${port}.conf`)
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder};`)
  const site = `server { listen 127.0.0.1:${port}; location / { return 200 "from nginx"; } }`
  const http = `http { access_log off; ${paths.join(' ')} ${site} }`
  writeFileSync(path, `daemon off; pid ${folder}/${port}.pid; error_log stderr; events {} ${http}`)
  return path
}

test('real servers that wrote over their environment before the start have the consent of their parent', {
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-consent-'))
  running.push({ stop: async () => rmSync(folder, { recursive: true, force: true }) })
  const startAll = async (env: Record<string, string>) => {
    const ports: number[] = []
    const starts = [
      () => startPostgres([], env),
      () => underShell((port) => `redis-server --bind 127.0.0.1 --port ${port} --save "" --dir ${folder}`, env),
      () => underShell((port) => `nginx -c ${nginxConfig(folder, port)}`, env),
    ]
    for (const start of starts) {
      const one = await start()
      running.unshift(one)
      ports.push(one.port)
    }
    return ports as [postgres: number, redis: number, nginx: number]
  }
  const [otherPostgres, otherRedis, otherNginx] = await startAll({})
  const [postgres, redis, nginx] = await startAll({ ADI_PROFILE: profile })
  syscribe = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile })
  for (const port of [otherNginx, nginx]) {
    const { stdout } = await run({ command: 'curl', args: ['-s', `http://127.0.0.1:${port}/of/${port}`] })
    expect(stdout).toBe('from nginx')
  }
  const stores = [otherPostgres, postgres, otherRedis, redis]
  for (const [index, port] of stores.entries()) {
    const { stdout } = await run(node('store-client.mjs', index < 2 ? 'postgres' : 'redis', `${port}`))
    expect(stdout.trim()).toBe('42')
  }
  expect(await syscribe.stop(), syscribe.stderr).toBe(0)

  const lines = syscribe.outputs.lines()
  const seen = lines.map(({ protocol, url, direction, dest_port, source_port }) => [
    protocol ?? url,
    direction,
    direction === 'recv' ? dest_port : source_port,
  ])
  // Who else was found running when nginx answered is waited for: its lines may come after those of later connections.
  expect(seen.filter(([what]) => String(what).startsWith('/'))).toEqual([
    [`/of/${nginx}`, 'recv', nginx],
    [`/of/${nginx}`, 'send', nginx],
  ])
  expect(seen.filter(([what]) => !String(what).startsWith('/'))).toEqual([
    ['postgres', 'recv', postgres],
    ['redis', 'recv', redis],
  ])
  const documents = syscribe.outputs.documents()
  // The backend that PostgreSQL forks for a connection, Redis, and nginx's worker.
  for (const { pid } of lines) expect(documents.map(({ adi_profile_pid }) => adi_profile_pid)).toContain(pid)
  const inherited = documents.filter(({ error }) => String(error).startsWith('written over by the program'))
  const programs = inherited.map(({ adi_profile_cmdline }) => String(adi_profile_cmdline).split(/[ :]/)[0])
  expect(new Set(programs)).toEqual(new Set(['nginx', 'postgres', 'redis-server']))
})
