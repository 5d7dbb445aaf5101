import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { containerIdsOfCgroup } from '@syscribe/schemas'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endings } from '../../../tests/harness/at-end.js'
import { type ContainerEngine, startPodman } from '../../../tests/harness/container-engines.js'
import { fillImageFolder } from '../../../tests/harness/image-folder.js'
import { checkContainerRuntime } from '../../src/containers/check-runtime.js'
import { Watching } from './watching.js'

const atEnd = endings()
const nap = ['localhost/programs:1', '/bin/sleep', '1000']
let engine: ContainerEngine

beforeAll(async () => {
  engine = await startPodman()
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-image-'))
  fillImageFolder(folder, ['/bin/sleep', '/bin/true'])
  engine.importImage('localhost/programs:1', folder)
  rmSync(folder, { recursive: true })
}, 120_000)
afterAll(async () => {
  await engine?.remove()
}, 60_000)

const run = (...args: string[]) => engine.cli('run', '-d', ...args)

const watch = () => Watching.start(atEnd, engine.socket)

test('a container that runs already is described whole', async () => {
  const service = ['--label', 'com.docker.compose.service=web', '--label', 'odd=ü "x"']
  const id = run('--name', 'whole', '-p', '127.0.0.1:18080:80', '-p', '18081:81/udp', ...service, ...nap)
  const watching = await watch()
  watching.take()
  const [container] = watching.runs('whole')
  const address = engine.cli('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'whole')
  const pid = Number(engine.cli('inspect', '-f', '{{.State.Pid}}', 'whole'))
  expect(container).toMatchObject({
    runtime: 'podman',
    id,
    name: 'whole',
    image: 'localhost/programs:1',
    service: 'web',
    pid,
    addresses: [address],
    hostNetwork: false,
    to: null,
    ports: expect.arrayContaining([
      { hostAddress: '127.0.0.1', hostPort: 18080, containerPort: 80, transport: 'tcp' },
      { hostAddress: '0.0.0.0', hostPort: 18081, containerPort: 81, transport: 'udp' },
    ]),
  })
  expect(address).toMatch(/^10\.88\./)
  expect(container?.labels).toMatchObject({ odd: 'ü "x"' })
  expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).toContain(container?.cgroup)
  expect(containerIdsOfCgroup(container?.cgroup as string)).toContain(id)
  expect(await checkContainerRuntime({ socket: engine.socket, namespace: 'default' })).toMatchObject({
    ok: true,
    detail: expect.stringMatching(/^Podman 4\.\S+ answers at .*, 1 container runs\.$/),
  })
  engine.cli('rm', '-f', '-t', '0', 'whole')
})

test('containers that start, live for a second and end are known by the events', async () => {
  const watching = await watch()
  run('--name', 'first', ...nap)
  await watching.until(() => watching.runs('first').length === 1)
  run('--rm', '--name', 'second', 'localhost/programs:1', '/bin/sleep', '1')
  const second = await watching.until(() => watching.runs('second').find(({ to }) => to !== null))
  expect(watching.runs('second')).toHaveLength(1)
  expect((second.to as number) - second.from).toBeGreaterThan(950_000)
  expect((second.to as number) - second.from).toBeLessThan(6_000_000)
  expect(second.addresses).toEqual([expect.stringMatching(/^10\.88\./)])
  engine.cli('rm', '-f', '-t', '0', 'first')
  await watching.until(() => watching.runs('first')[0]?.to)
})

test('the containers of a pod share the addresses of its own', async () => {
  const watching = await watch()
  engine.cli(
    'pod',
    'create',
    '--name',
    'pod',
    '--infra-image',
    'localhost/programs:1',
    '--infra-command',
    '/bin/sleep 1000',
    '-p',
    '18099:99',
  )
  run('--pod', 'pod', '--name', 'member', ...nap)
  const [member] = await watching.until(() => watching.runs('member').length > 0 && watching.runs('member'))
  expect(member?.addresses).toEqual([expect.stringMatching(/^10\.88\./)])
  const infra = watching.containers.find(({ name, netns }) => name.endsWith('-infra') && netns === member?.netns)
  expect(infra?.addresses).toEqual(member?.addresses)
  engine.cli('pod', 'rm', '-f', '-t', '0', 'pod')
  await watching.until(() => watching.runs('member')[0]?.to)
})

test('a container on the network of the host', async () => {
  const watching = await watch()
  run('--name', 'on-host', '--network', 'host', ...nap)
  const [onHost] = await watching.until(() => watching.runs('on-host').length > 0 && watching.runs('on-host'))
  expect(onHost).toMatchObject({ hostNetwork: true, addresses: [] })
  engine.cli('rm', '-f', '-t', '0', 'on-host')
})

test('the service ends and is started again; its containers live on', { timeout: 120_000 }, async () => {
  run('--name', 'survivor', ...nap)
  run('--name', 'victim', ...nap)
  const watching = await watch()
  await watching.until(() => watching.runs('survivor').length === 1)
  await engine.kill()
  await watching.until(() => watching.hosts.at(-1)?.complete === false)
  engine.cli('rm', '-f', '-t', '0', 'victim')
  await engine.restart()
  await watching.until(() => watching.hosts.at(-1)?.complete === true)
  expect(watching.runs('victim')).toMatchObject([{ to: expect.any(Number) }])
  expect(watching.runs('survivor')).toMatchObject([{ to: null }])
  engine.cli('rm', '-f', '-t', '0', 'survivor')
  await watching.until(() => watching.runs('survivor')[0]?.to)
})

test('rootless Podman is watched by the path of its socket', { timeout: 120_000 }, async () => {
  const rootless = await startPodman({ rootless: true })
  atEnd(() => rootless.remove())
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-image-'))
  fillImageFolder(folder, ['/bin/sleep'])
  rootless.importImage('localhost/programs:1', folder)
  rmSync(folder, { recursive: true })
  const watching = new Watching(rootless.socket)
  atEnd(() => watching.stop())
  await watching.watcher.ready()
  const service = ['--label', 'com.docker.compose.service=web']
  const id = rootless.cli('run', '-d', '--network', 'host', '--name', 'rootless', ...service, ...nap)
  const [container] = await watching.until(() => watching.runs('rootless').length > 0 && watching.runs('rootless'))
  const pid = container?.pid as number
  expect(container).toMatchObject({ runtime: 'podman', id, service: 'web', hostNetwork: true, addresses: [], to: null })
  expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\t65534\t/m)
  rootless.cli('rm', '-f', '-t', '0', 'rootless')
  await watching.until(() => watching.runs('rootless')[0]?.to)
  await rootless.remove()
  const left = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && commandOf(entry).includes(rootless.socket))
  expect(left).toEqual([])
})

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return '' // it has ended
  }
}
