import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endings } from '../../../tests/harness/at-end.js'
import { type ContainerEngine, startContainerd } from '../../../tests/harness/container-engines.js'
import { fillImageFolder } from '../../../tests/harness/image-folder.js'
import { checkContainerRuntime } from '../../src/containers/check-runtime.js'
import { Watching } from './watching.js'

const atEnd = endings()
const image = 'docker.io/library/programs:1'
const id = (digit: string) => digit.repeat(64)
let engine: ContainerEngine

beforeAll(async () => {
  engine = await startContainerd()
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-image-'))
  fillImageFolder(folder, ['/bin/sleep', '/bin/true'])
  engine.importImage(image, folder)
  rmSync(folder, { recursive: true })
  // A network as CNI makes one: an interface in a namespace that the container is put into.
  const commands = [
    'ip netns add pod',
    'ip link add bridge0 type bridge',
    'ip addr add 10.4.0.1/24 dev bridge0',
    'ip addr add fd12:9999::1/64 dev bridge0',
    'ip link set bridge0 up',
    'ip link add veth0 type veth peer name eth0 netns pod',
    'ip link set veth0 master bridge0 up',
    'ip -n pod addr add 10.4.0.7/24 dev eth0',
    'ip -n pod addr add fd12:9999::7/64 dev eth0 nodad',
    'ip -n pod link set eth0 up',
    'ip -n pod route add default via 10.4.0.1',
    'ip -n pod route add default via fd12:9999::1',
  ]
  for (const command of commands) engine.host.run('sh', '-c', command)
}, 120_000)
afterAll(async () => {
  await engine?.remove()
}, 60_000)

const watch = (namespace?: string) => Watching.start(atEnd, engine.socket, namespace)

function labelled(labels: Record<string, string>): string[] {
  return Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`])
}

const told = <T>(runs: T[]) => runs.length > 0 && runs
const sleep = ['/bin/sleep', '1000']
const inPod = '--with-ns=network:/run/netns/pod'
const remove = (name: string) => engine.cli('task', 'rm', '-f', name) + engine.cli('container', 'rm', name)

test('a container of nerdctl has its name, service, ports and addresses', async () => {
  const labels = {
    'nerdctl/name': 'web-1',
    'nerdctl/networks': '["shop_default"]',
    'nerdctl/ports': '[{"HostPort":18080,"ContainerPort":80,"Protocol":"tcp","HostIP":"127.0.0.1"}]',
    'com.docker.compose.service': 'web',
    odd: 'quotes " and ü',
  }
  engine.cli('run', '-d', inPod, ...labelled(labels), image, id('a'), ...sleep)
  const watching = await watch()
  watching.take()
  const [container, ...more] = watching.runs('web-1')
  expect(more).toEqual([])
  expect(container).toMatchObject({
    runtime: 'containerd',
    id: id('a'),
    image,
    service: 'web',
    labels,
    to: null,
    hostNetwork: false,
    addresses: ['10.4.0.7', 'fd12:9999::7'],
    networks: [
      { name: 'shop_default', addresses: ['10.4.0.7', 'fd12:9999::7'], gateways: ['10.4.0.1', 'fd12:9999::1'] },
    ],
    ports: [{ hostAddress: '127.0.0.1', hostPort: 18080, containerPort: 80, transport: 'tcp' }],
  })
  const pid = container?.pid as number
  expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe('sleep\n')
  expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).toContain(container?.cgroup)
  expect(container?.cgroup).toBe(`/default/${id('a')}`)
  expect(container?.netns).toBe(statSync(`/proc/${pid}/ns/net`).ino)
  remove(id('a'))
  const ended = await watching.until(() => watching.runs('web-1').find(({ to }) => to !== null))
  expect(ended.to).toBeGreaterThan(ended.from)
})

test('a container that lives for a moment is known with its beginning and its end', async () => {
  const watching = await watch()
  engine.cli('run', '-d', ...labelled({ 'nerdctl/name': 'second' }), image, id('b'), '/bin/sleep', '1')
  const second = await watching.until(() => watching.runs('second').find(({ to }) => to !== null))
  expect(watching.runs('second')).toHaveLength(1)
  expect((second.to as number) - second.from).toBeGreaterThan(950_000)
  expect((second.to as number) - second.from).toBeLessThan(5_000_000)
  engine.cli('run', '--rm', image, 'moment', '/bin/true')
  const moment = await watching.until(() => watching.runs('moment').find(({ to }) => to !== null))
  expect(moment).toMatchObject({ image, id: 'moment', name: 'moment' })
})

test('a container of ctr, with an id of its own choice, on the network of the host', async () => {
  const watching = await watch()
  engine.cli('run', '-d', '--net-host', image, 'plain.name', ...sleep)
  const [container] = await watching.until(() => watching.runs('plain.name').length > 0 && watching.runs('plain.name'))
  expect(container).toMatchObject({ hostNetwork: true, addresses: [], networks: [], cgroup: '/default/plain.name' })
  remove('plain.name')
})

test('a process that is added to a container and ends does not end the container', async () => {
  const watching = await watch()
  engine.cli('run', '-d', image, 'kept', ...sleep)
  await watching.until(() => watching.runs('kept').length > 0)
  engine.cli('task', 'exec', '--exec-id', 'added', 'kept', '/bin/true')
  engine.cli('run', '--rm', image, 'marker', '/bin/true')
  await watching.until(() => watching.runs('marker')[0]?.to)
  expect(watching.runs('kept')).toMatchObject([{ to: null }])
  remove('kept')
})

test('containers of a pod of Kubernetes are named by it; other namespaces are not watched', async () => {
  const pod = { 'io.kubernetes.pod.name': 'reviews-v1-5b9c', 'io.kubernetes.pod.namespace': 'shop' }
  const kubernetes = (...args: string[]) => engine.host.run('ctr', '-a', engine.socket, '-n', 'k8s.io', ...args)
  expect(await checkContainerRuntime({ socket: engine.socket, namespace: 'k8s.io' })).toMatchObject({
    ok: 'warn',
    detail: expect.stringContaining('no namespace "k8s.io": it has default.'),
  })
  const early = await watch('k8s.io')
  await early.until(() =>
    early.logged.some(({ level, msg }) => level === 40 && msg === 'there may be no containers to watch'),
  )
  const layers = join(mkdtempSync(join(tmpdir(), 'syscribe-image-')), 'image.tar')
  atEnd(() => rmSync(join(layers, '..'), { recursive: true }))
  engine.cli('image', 'export', layers, image)
  kubernetes('image', 'import', layers)
  const sandbox = { ...pod, 'io.cri-containerd.kind': 'sandbox' }
  const app = { ...pod, 'io.cri-containerd.kind': 'container', 'io.kubernetes.container.name': 'reviews' }
  kubernetes('run', '-d', inPod, ...labelled(sandbox), image, id('c'), ...sleep)
  kubernetes('run', '-d', inPod, ...labelled(app), image, id('d'), ...sleep)
  engine.cli('run', '-d', image, 'elsewhere', ...sleep)
  const [container] = await early.until(() => told(early.runs('shop/reviews-v1-5b9c/reviews')))
  const [pause] = await early.until(() => told(early.runs('shop/reviews-v1-5b9c/sandbox')))
  expect(container).toMatchObject({ addresses: ['10.4.0.7', 'fd12:9999::7'], netns: pause?.netns, hostNetwork: false })
  expect(early.runs('elsewhere')).toEqual([])
  expect(await checkContainerRuntime({ socket: engine.socket, namespace: 'k8s.io' })).toMatchObject({
    ok: true,
    detail: expect.stringMatching(/^containerd 1\.\S+ answers at .*, 2 containers run\.$/),
  })
  remove('elsewhere')
  for (const one of [id('d'), id('c')]) {
    kubernetes('task', 'rm', '-f', one)
    kubernetes('container', 'rm', one)
  }
})

test('containerd dies and comes back; its containers live on', { timeout: 120_000 }, async () => {
  engine.cli('run', '-d', image, 'survivor', ...sleep)
  engine.cli('run', '-d', image, 'victim', ...sleep)
  const watching = await watch()
  await watching.until(() => watching.runs('victim').length === 1)
  await engine.kill()
  await watching.until(() => watching.hosts.at(-1)?.complete === false)
  process.kill(watching.runs('victim')[0]?.pid as number, 'SIGKILL')
  await engine.restart()
  await watching.until(() => watching.hosts.at(-1)?.complete === true)
  expect(watching.runs('survivor')).toMatchObject([{ to: null }])
  await watching.until(() => watching.runs('victim')[0]?.to)
  remove('survivor')
  await watching.until(() => watching.runs('survivor')[0]?.to)
})
