import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endings } from '../../../tests/harness/at-end.js'
import { type ContainerEngine, startDocker } from '../../../tests/harness/container-engines.js'
import { fillImageFolder } from '../../../tests/harness/image-folder.js'
import { Watching } from './watching.js'

const atEnd = endings()
let engine: ContainerEngine

beforeAll(async () => {
  engine = await startDocker()
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-image-'))
  fillImageFolder(folder, ['/bin/sleep', '/bin/true', process.execPath])
  engine.importImage('programs:1', folder)
  rmSync(folder, { recursive: true })
  engine.cli('network', 'create', '--ipv6', '--subnet', 'fd12:3456::/64', 'six')
}, 120_000)
afterAll(async () => {
  await engine?.remove()
}, 60_000)

const run = (...args: string[]) => engine.cli('run', '-d', ...args)
const nap = ['programs:1', '/bin/sleep', '1000']

const watch = () => Watching.start(atEnd, engine.socket)

test('a container that runs already is described whole', async () => {
  const odd = { 'com.example/ä-b': '= line\nbreak "quoted" \u{1f600}', empty: '' }
  const labels = Object.entries(odd).flatMap(([key, value]) => ['--label', `${key}=${value}`])
  const service = ['--label', 'com.docker.compose.service=web']
  const id = run('--name', 'whole', '-p', '127.0.0.1:18080:80', '-p', '18081:81/udp', ...service, ...labels, ...nap)
  engine.cli('network', 'connect', 'six', 'whole')
  const started = Date.now() * 1000
  const watching = await watch()
  watching.take()
  const [container] = watching.runs('whole')
  const { Pid: pid } = JSON.parse(engine.cli('inspect', '-f', '{{json .State}}', 'whole'))
  expect(container).toMatchObject({
    host: 'h',
    runtime: 'docker',
    id,
    name: 'whole',
    image: 'programs:1',
    service: 'web',
    pid,
    to: null,
    hostNetwork: false,
    netns: statSync(`/proc/${pid}/ns/net`).ino,
    ports: expect.arrayContaining([
      { hostAddress: '127.0.0.1', hostPort: 18080, containerPort: 80, transport: 'tcp' },
      { hostAddress: '0.0.0.0', hostPort: 18081, containerPort: 81, transport: 'udp' },
      { hostAddress: '::', hostPort: 18081, containerPort: 81, transport: 'udp' },
    ]),
  })
  expect(container?.labels).toEqual({ 'com.docker.compose.service': 'web', ...odd })
  expect(container?.addresses).toHaveLength(3)
  expect(container?.addresses).toContain('fd12:3456::2')
  expect(container?.networks.flatMap(({ gateways }) => gateways)).toContain('fd12:3456::1')
  expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).toContain(container?.cgroup as string)
  expect(container?.cgroup).toContain(id)
  expect(container?.from).toBeLessThan(started)
  expect(watching.hosts.map(({ complete, runtime }) => [complete, runtime])).toEqual([
    [false, ''],
    [true, 'docker'],
  ])
  engine.cli('rm', '-f', 'whole')
})

test('a container that lives for a moment is known with its beginning and its end', async () => {
  const watching = await watch()
  const before = Date.now() * 1000
  run('--rm', '--name', 'moment', 'programs:1', '/bin/true')
  run('--rm', '--name', 'second', 'programs:1', '/bin/sleep', '1')
  const second = await watching.until(() => watching.runs('second').find(({ to }) => to !== null))
  expect(watching.runs('second')).toHaveLength(1)
  expect(second.addresses).toEqual([expect.stringMatching(/^172\./)])
  expect((second.to as number) - second.from).toBeGreaterThan(950_000)
  expect((second.to as number) - second.from).toBeLessThan(5_000_000)
  const [moment, ...more] = watching.runs('moment')
  expect(more).toEqual([])
  expect(moment).toMatchObject({ image: 'programs:1', runtime: 'docker' })
  expect(moment?.from).toBeGreaterThanOrEqual(before - 20_000)
  expect(moment?.to).toBeLessThanOrEqual(second.from + 20_000)
})

test('an address used by two containers one after the other has its times', async () => {
  const watching = await watch()
  for (const name of ['former', 'latter']) {
    run('--name', name, '--network', 'six', '--ip6', 'fd12:3456::77', ...nap)
    await watching.until(() => watching.runs(name).length > 0)
    engine.cli('rm', '-f', name)
  }
  const former = await watching.until(() => watching.runs('former').find(({ to }) => to !== null))
  const latter = await watching.until(() => watching.runs('latter').find(({ to }) => to !== null))
  for (const { addresses } of [former, latter]) expect(addresses).toContain('fd12:3456::77')
  expect(former.to).toBeLessThan(latter.from)
})

test('a new name, and a network that is joined and left, each begin a new run', async () => {
  const watching = await watch()
  run('--name', 'mover', ...nap)
  await watching.until(() => watching.runs('mover').length === 1)
  engine.cli('network', 'connect', 'six', 'mover')
  await watching.until(() => watching.runs('mover').length === 2)
  engine.cli('network', 'disconnect', 'six', 'mover')
  await watching.until(() => watching.runs('mover').length === 3)
  engine.cli('rename', 'mover', 'moved')
  await watching.until(() => watching.runs('moved').length === 1)
  engine.cli('rm', '-f', 'moved')
  await watching.until(() => watching.runs('moved')[0]?.to !== null)
  const runs = [...watching.runs('mover'), ...watching.runs('moved')]
  expect(runs.map(({ addresses }) => addresses.some((address) => address.startsWith('fd12')))).toEqual([
    false,
    true,
    false,
    false,
  ])
  runs.slice(1).forEach((next, index) => {
    expect(next.from).toBe(runs[index]?.to)
  })
})

test('a container on the network of the host, and one on that of another container', async () => {
  const watching = await watch()
  run('--name', 'on-host', '--network', 'host', ...nap)
  run('--name', 'owner', '-p', '18090:90', ...nap)
  run('--name', 'guest', '--network', 'container:owner', ...nap)
  const [onHost] = await watching.until(() => watching.runs('on-host').length > 0 && watching.runs('on-host'))
  const [guest] = await watching.until(() => watching.runs('guest').length > 0 && watching.runs('guest'))
  const [owner] = watching.runs('owner')
  expect(onHost).toMatchObject({ hostNetwork: true, addresses: [], ports: [] })
  expect(guest).toMatchObject({ hostNetwork: false, addresses: owner?.addresses, netns: owner?.netns, ports: [] })
  expect(owner?.ports).toHaveLength(2)
  engine.cli('rm', '-f', 'on-host', 'owner', 'guest')
})

test('a container that is started again has another run; one that pauses has none', async () => {
  const watching = await watch()
  run('--name', 'twice', ...nap)
  await watching.until(() => watching.runs('twice').length === 1)
  engine.cli('pause', 'twice')
  engine.cli('unpause', 'twice')
  engine.cli('restart', '-t', '0', 'twice')
  const [first, second] = await watching.until(() => watching.runs('twice').length === 2 && watching.runs('twice'))
  expect(first?.to).not.toBeNull()
  expect(second?.from).toBeGreaterThanOrEqual(first?.to as number)
  expect(second?.pid).not.toBe(first?.pid)
  engine.cli('rm', '-f', 'twice')
  await watching.until(() => watching.runs('twice').length === 2 && watching.runs('twice')[1]?.to !== null)
})

test('what starts just before the end is known', async () => {
  const watching = await watch()
  const id = run('--name', 'late', ...nap)
  await watching.stop()
  expect(watching.runs('late')).toMatchObject([{ id, to: null }])
  engine.cli('rm', '-f', 'late')
})

test('the runtime dies and comes back: what was gone is closed, what is new is known', {
  timeout: 120_000,
}, async () => {
  run('--name', 'victim', ...nap)
  const watching = await watch()
  const { watcher } = watching
  await watching.until(() => watching.runs('victim').length === 1)
  await engine.kill()
  await watching.until(() => watching.hosts.at(-1)?.complete === false)
  expect(watching.logged).toContainEqual(
    expect.objectContaining({ level: 40, code: 'unavailable', msg: expect.stringContaining('not watched now') }),
  )
  await engine.restart()
  run('--name', 'newcomer', ...nap)
  await watching.until(() => watching.runs('newcomer').length === 1)
  await watching.until(() => watching.hosts.at(-1)?.complete === true)
  expect(watching.runs('victim')[0]?.to).not.toBeNull()
  expect(watching.logged.filter(({ msg }) => msg === 'containers are watched')).toHaveLength(2)
  expect(watcher.busy).toBe(false)
})

test('the ports a container on the host’s network listens on are told when it does', async () => {
  const watching = await watch()
  const listen = "require('node:net').createServer().listen(17077, '0.0.0.0')"
  const late = `setTimeout(() => { ${listen} }, 1500)`
  run('--name', 'upstairs', '--network', 'host', 'programs:1', process.execPath, '-e', late)
  const port = { hostAddress: '0.0.0.0', hostPort: 17077, containerPort: 17077, transport: 'tcp' }
  await watching.until(() => watching.runs('upstairs').some(({ to, ports }) => to === null && ports.length > 0))
  const [before, listening, ...more] = watching.runs('upstairs')
  expect(more).toEqual([])
  expect(before).toMatchObject({ hostNetwork: true, ports: [] })
  expect(listening).toMatchObject({ from: before?.to, to: null, hostNetwork: true, ports: [port] })
  engine.cli('rm', '-f', 'upstairs')
  await watching.until(() => watching.runs('upstairs').every(({ to }) => to !== null))
})
