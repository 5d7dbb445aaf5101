import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttp2Server } from 'node:http2'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { endings } from '../../../tests/harness/at-end.js'
import { run } from '../../../tests/harness/program.js'
import { checkContainerRuntime } from '../../src/containers/check-runtime.js'
import { FakeDocker, json } from './fake-docker.js'
import { Watching } from './watching.js'

const atEnd = endings()
let folder: string
let socket: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syscribe-containers-'))
  socket = join(folder, 'runtime.sock')
  atEnd(() => rmSync(folder, { recursive: true, force: true }))
})

async function fake(): Promise<FakeDocker> {
  const docker = await FakeDocker.listen(socket)
  atEnd(() => docker.close())
  return docker
}

async function server(made: Server): Promise<void> {
  made.listen(socket)
  await once(made, 'listening')
  atEnd(() => made.close())
}

function watch(): Watching {
  const watching = new Watching(socket)
  atEnd(() => watching.stop())
  return watching
}

/** A watcher that follows the events of a fake. */
async function watched(docker: FakeDocker): Promise<Watching> {
  const watching = watch()
  await watching.watcher.ready()
  await docker.followed()
  return watching
}

/** What doctor and the log say must be the same, and neither may hold up capture. */
async function fault(): Promise<{ code: string; detail: string }> {
  const check = await checkContainerRuntime({ socket, namespace: 'default' })
  expect(check).toMatchObject({ name: 'containers', ok: 'warn', remedy: expect.stringMatching(/\.|podman.socket$/) })
  const watching = watch()
  await watching.watcher.ready()
  watching.take()
  const warnings = watching.logged.filter(({ level }) => level === 40)
  expect(warnings).toHaveLength(1)
  expect(check.detail).toContain(warnings[0]?.reason)
  expect(check.detail).toContain(socket)
  expect(watching.hosts).toMatchObject([{ complete: false, runtime: '' }])
  expect(watching.watermarks).toHaveLength(1)
  return { code: warnings[0]?.code as string, detail: check.detail }
}

describe('what is not a runtime', () => {
  test('nothing at the path', async () => {
    expect(await fault()).toMatchObject({ code: 'no_socket', detail: expect.stringContaining('nothing at this path') })
  })

  test('a file', async () => {
    writeFileSync(socket, '')
    const { code } = await fault()
    expect(['not_a_socket', 'refused']).toContain(code)
  })

  test('a folder', async () => {
    mkdirSync(socket)
    const { code } = await fault()
    expect(['not_a_socket', 'refused']).toContain(code)
  })

  test('a socket that nobody listens on', async () => {
    const script = 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])'
    await run({ command: 'python3', args: ['-c', script, socket] })
    expect((await fault()).code).toBe('refused')
  })

  test('a web server', async () => {
    const docker = await fake()
    docker.instead.set('/version', (response) => response.writeHead(404).end('<html>not here'))
    expect((await fault()).code).toBe('not_a_runtime')
  })

  test('a web server that answers everything', async () => {
    const docker = await fake()
    docker.instead.set('/version', (response) => response.writeHead(200).end('<html>welcome'))
    expect((await fault()).code).toBe('not_a_runtime')
  })

  test('JSON of something else', async () => {
    const docker = await fake()
    docker.instead.set('/version', (response) => json(response, { hello: 'world' }))
    expect((await fault()).code).toBe('not_a_runtime')
  })

  test('a server that says nothing anyone knows', async () => {
    await server(createServer((connection) => connection.on('error', () => {}).end('220 ready\r\n')))
    expect((await fault()).code).toBe('not_a_runtime')
  })

  test('a server that closes every connection', async () => {
    await server(createServer((connection) => connection.on('error', () => {}).destroy()))
    expect((await fault()).code).toBe('not_a_runtime')
  })

  test('a gRPC server that is not containerd', async () => {
    const grpc = createHttp2Server().on('stream', (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' }, { endStream: true })
    })
    await server(grpc)
    expect(await fault()).toMatchObject({ code: 'not_a_runtime', detail: expect.stringContaining('not containerd') })
  })
})

test('a socket that this user may not use', async () => {
  await fake()
  chmodSync(folder, 0o755)
  chmodSync(socket, 0o600)
  process.seteuid?.(65534)
  try {
    expect((await fault()).code).toBe('no_rights')
  } finally {
    process.seteuid?.(0)
  }
})

test('2,000 containers are described, and none is asked about twice', async () => {
  const docker = await fake()
  for (let index = 0; index < 2_000; index++) docker.add(`c${index}`)
  const watching = watch()
  await watching.watcher.ready()
  await watching.until(() => watching.hosts.at(-1)?.complete === true)
  expect(watching.containers).toHaveLength(2_000)
  expect(new Set(watching.containers.map(({ id }) => id)).size).toBe(2_000)
  expect(docker.inspections).toBe(2_000)
})

test('one container that cannot be read costs no other', async () => {
  const docker = await fake()
  docker.add('good')
  docker.add('bad', { State: 'running' })
  const watching = watch()
  await watching.watcher.ready()
  watching.take()
  expect(watching.containers.map(({ id }) => id)).toEqual(['good'])
  expect(watching.logged).toContainEqual(expect.objectContaining({ level: 40, code: 'bad_answer', container: 'bad' }))
})

test('an event that cannot be read: the containers are listed anew', async () => {
  const docker = await fake()
  const watching = await watched(docker)
  docker.add('unseen')
  docker.say('{"nonsense"')
  await watching.until(() => watching.containers.length === 1)
  await watching.until(() => watching.hosts.at(-1)?.complete === true)
})

test('a runtime that comes late is found, and one that left is found again', async () => {
  const watching = watch()
  await watching.watcher.ready()
  const first = await FakeDocker.listen(socket)
  first.add('kept')
  first.add('lost')
  await watching.until(() => watching.containers.length === 2)
  await first.close()
  await watching.until(() => watching.hosts.at(-1)?.complete === false)
  const second = await fake()
  second.add('kept')
  await watching.until(() => watching.hosts.at(-1)?.complete === true)
  expect(watching.runs('name-lost')).toMatchObject([{ to: expect.any(Number) }])
  expect(watching.runs('name-kept')).toMatchObject([{ to: null }])
  expect(watching.containers.filter(({ id }) => id === 'kept')).toHaveLength(2)
})

test('a start that is not answered holds the watermark, and not for ever', { timeout: 60_000 }, async () => {
  const docker = await fake()
  const watching = await watched(docker)
  const started = Date.now() * 1000
  docker.instead.set('/containers/slow/json', () => {})
  docker.event('start', 'slow', { name: 'slow', image: 'i' })
  await watching.until(() => watching.watcher.busy)
  const later = started + 3_600_000_000
  watching.take(later)
  expect(watching.watermarks.at(-1)).toBeLessThan(started + 1_000_000)
  const waited = Date.now()
  for (;;) {
    watching.take(later)
    if ((watching.watermarks.at(-1) as number) >= later - 1_000_000) break
    if (Date.now() - waited > 20_000) throw new Error('the watermark is held for ever')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
})

const missing = 'no such container'
const podmanSays = { cause: missing, message: `container brief does not exist in database: ${missing}`, response: 500 }

test.each([
  ['Docker', 404, { message: missing }],
  ['Podman, when it is being removed', 500, podmanSays],
])('what is gone before it could be asked about is known by its events: %s', async (_, status, said) => {
  const docker = await fake()
  docker.instead.set('/containers/brief/json', (response) => json(response, said, status))
  const watching = await watched(docker)
  docker.event('create', 'brief', { name: 'short', image: 'tiny:1' })
  docker.event('start', 'brief', { name: 'short', image: 'tiny:1', 'com.docker.compose.service': 'job', 'a=b': 'ü' })
  docker.event('die', 'brief', { name: 'short', image: 'tiny:1', exitCode: '0' })
  docker.event('destroy', 'brief')
  const [run] = await watching.until(() => watching.runs('short')[0]?.to != null && watching.runs('short'))
  expect(run).toMatchObject({ id: 'brief', image: 'tiny:1', service: 'job', labels: { 'a=b': 'ü' } })
  expect(watching.runs('short')).toHaveLength(1)
})

test('events are asked for from before the list, however late the request for them arrives', async () => {
  const docker = await fake()
  const before = Date.now() / 1000
  await watched(docker)
  const since = docker.asked.flatMap((url) => /^\/events\?since=([\d.]+)&/.exec(url)?.[1] ?? [])
  expect(since).toHaveLength(1)
  expect(Number(since[0])).toBeGreaterThan(before - 0.01)
  expect(Number(since[0])).toBeLessThan(Date.now() / 1000)
})

test('what started before the events were followed, and was not in the list yet, is found all the same', async () => {
  const docker = await fake()
  const watching = await watched(docker)
  docker.add('between')
  await watching.until(() => watching.containers.length === 1)
})

test('what is told after the watermark has passed it stands behind the watermark, with its true times', async () => {
  const docker = await fake()
  const watching = await watched(docker)
  const passed = (Date.now() + 60_000) * 1000
  watching.take(passed)
  docker.add('tardy')
  docker.event('start', 'tardy')
  await watching.until(() => watching.containers.length === 1)
  const [container] = watching.containers
  expect(container?.time).toBe(passed - 1_000_000)
  expect(container?.from).toBe(Date.parse('2026-01-01T00:00:00.5Z') * 1000)
})

test('a container is asked about as soon as a process of it is seen', async () => {
  const docker = await fake()
  const watching = await watched(docker)
  docker.add('ab'.repeat(32))
  watching.watcher.expect('ab'.repeat(32), Date.now() * 1000)
  await watching.until(() => watching.containers.length === 1)
  watching.watcher.expect('cd'.repeat(32), Date.now() * 1000)
  const asked = () => docker.inspections
  await watching.until(() => asked() === 2)
  watching.watcher.expect('cd'.repeat(32), Date.now() * 1000)
  watching.watcher.expect('ab'.repeat(32), Date.now() * 1000)
  expect(watching.watcher.busy).toBe(false)
})

test('a container that waits to be restarted does not run', async () => {
  const docker = await fake()
  docker.add('loop', { State: { Running: true, Restarting: true, Pid: 0, StartedAt: '2026-01-01T00:00:00Z' } })
  const watching = watch()
  await watching.watcher.ready()
  watching.take()
  expect(watching.containers).toEqual([])
})
