import type { Container } from '@syscribe/schemas'
import { describe, expect, test } from 'vitest'
import { runProcessor } from '../../../runtime/test/run-processor.js'
import { containerEnricher } from '../src/index.js'
import { container, containerHost, containerId, key, process, request, response } from './observed.js'
import { names, reasons, run, type Step, watermark } from './run-enricher.js'

const client = process(0, 1, { args: 'node /app/client.js' })
const cgroup = (name: string) => `/docker/${containerId(name)}`
const inside = (name: string, pid = 2) =>
  process(0, pid, { args: 'python3 server.py', profileName: 'p', cgroup: cgroup(name) })
const ends = { client: 1, server: 2, peer: true }
/** A request to an address and its answer, by a process that is alone in being observed. */
const asks = (at: number, serverAddress = '10.0.0.2', more: object = {}): Step[] => {
  const both = { client: 1, id: at, serverAddress, ...more }
  return [request(at, 'client', both, 'host'), response(at + 1, 'client', both)]
}

describe('the name of a container', () => {
  test('is its Compose service, with the container as the seed has it', () => {
    const compose = container(0, 'web-1', { service: 'web' })
    const [traffic] = run(client, compose, inside('web-1'), request(10, 'client', ends, 'x'))
    expect(traffic?.server).toEqual({
      name: 'web',
      type: 'container',
      container: { service: 'web', image: 'web-1:1', id: containerId('web-1'), name: 'web-1', pod: null },
      process: expect.objectContaining({ key: key(2), profileName: 'p' }),
      reason: 'Compose service of its container',
    })
  })

  test('then its own, then what a process without a container is named by', () => {
    const asked = [client, inside('web-1'), request(10, 'client', ends)]
    expect(reasons(container(0, 'web-1'), ...asked)).toEqual(['web-1: name of its container'])
    expect(reasons(container(0, 'web-1', { service: '' }), ...asked)).toEqual(['web-1: name of its container'])
    expect(reasons(...asked)).toEqual(['p: ADI_PROFILE_NAME'])
  })

  test.each([
    ['shop/web:2', 'shop/web:2'],
    ['redis', 'redis:latest'],
    ['registry:5000/shop/web', 'registry:5000/shop/web:latest'],
    ['web@sha256:12', 'web@sha256:12'],
    ['0123456789ab', '0123456789ab'],
    [`sha256:${'a'.repeat(64)}`, `sha256:${'a'.repeat(64)}`],
    ['', ''],
  ])('its image %s is shown with its tag: %s', (image, shown) => {
    const [traffic] = run(client, container(0, 'web-1', { image }), inside('web-1'), request(10, 'client', ends))
    expect(traffic?.server.container?.image).toBe(shown)
  })

  test('in Kubernetes the workload, with pod and namespace', () => {
    const labels = {
      'io.kubernetes.pod.name': 'reviews-v1-545db77b95-jzdqf',
      'io.kubernetes.pod.namespace': 'shop',
      'io.kubernetes.pod.uid': 'u1',
      'io.kubernetes.container.name': 'reviews',
    }
    const pod = container(0, 'shop/reviews-v1-545db77b95-jzdqf/reviews', { labels })
    const id = pod.value as { id: string }
    const [traffic] = run(
      client,
      pod,
      process(0, 2, { cgroup: `/kubepods/podu1/${id.id}` }),
      request(10, 'client', ends),
    )
    expect(traffic?.server).toMatchObject({
      name: 'reviews-v1',
      container: {
        service: null,
        name: 'shop/reviews-v1-545db77b95-jzdqf/reviews',
        pod: { namespace: 'shop', name: 'reviews-v1-545db77b95-jzdqf', workload: 'reviews-v1' },
      },
      reason: 'Kubernetes workload of its container',
    })
  })

  test('odd characters in names and labels pass through', () => {
    const odd = container(0, 'a"\n\u{1f600}', { service: '{"é": 1}', labels: { '': '\0', ['__proto__']: 'x' } })
    expect(names(client, odd, inside('a"\n\u{1f600}'), request(10, 'client', ends))).toEqual([
      '10 client.js -> {"é": 1}',
    ])
  })
})

describe('an address belongs to whom it belonged at the time', () => {
  test('two containers, one after the other', () => {
    const old = container(0, 'old', { addresses: ['10.0.0.2'], to: 50_000 })
    const young = container(9000, 'young', { addresses: ['10.0.0.2'] })
    expect(names(client, old, ...asks(40), ...asks(55), young, ...asks(9010))).toEqual([
      '41 client.js -> old',
      '41 client.js -> old',
      '56 client.js -> host',
      '56 client.js -> host',
      '9011 client.js -> young',
      '9011 client.js -> young',
    ])
  })

  test('when the stop of the first was not seen, the second has it', () => {
    const old = container(0, 'old', { addresses: ['10.0.0.2'] })
    const young = container(60, 'young', { addresses: ['10.0.0.2'] })
    expect(names(client, young, old, ...asks(100))).toEqual(Array(2).fill('101 client.js -> young'))
    expect(
      names(
        client,
        young,
        old,
        ...asks(100).map((one) => ({ ...one, value: { ...(one as { value: object }).value, time: 50_000 } }) as Step),
      ),
    ).toEqual(Array(2).fill('101 client.js -> old'))
  })

  test('a start noted a moment late is bridged, not more, and not over one who had it', () => {
    const late = container(500, 'late', { addresses: ['10.0.0.2'], from: 1_900_000 })
    expect(names(client, late, ...asks(600))).toEqual(Array(2).fill('601 client.js -> late'))
    const later = container(500, 'late', { addresses: ['10.0.0.2'], from: 2_700_000 })
    expect(names(client, later, ...asks(600))).toEqual(Array(2).fill('601 client.js -> host'))
    const before = container(0, 'before', { addresses: ['10.0.0.2'] })
    expect(names(client, late, before, ...asks(600))).toEqual(Array(2).fill('601 client.js -> before'))
  })

  test('networks are joined and left while it runs', () => {
    const net = (name: string, address: string) => ({ name, addresses: [address], gateways: [] })
    const told = (at: number, ...networks: ReturnType<typeof net>[]) =>
      container(at, 'web', { from: 0, networks, addresses: networks.flatMap((one) => one.addresses) })
    const given = [
      client,
      told(10, net('a', '10.0.0.2')),
      ...asks(20),
      told(3000, net('a', '10.0.0.2'), net('b', '10.0.1.2')),
      ...asks(3010, '10.0.1.2'),
      told(6000, net('b', '10.0.1.2')),
      ...asks(6010),
      ...asks(6020, '10.0.1.2'),
    ]
    expect(run(...given).map(({ server }) => server.name)).toEqual([
      ...['web', 'web'],
      ...['web', 'web'],
      ...['host', 'host'],
      ...['web', 'web'],
    ])
  })

  test('a stopped container is on no network any more, but had its addresses', () => {
    const running = container(0, 'old', { addresses: ['10.0.0.2'] })
    const stopped = container(65, 'old', { from: 0, to: 64_000, addresses: [] })
    const late = request(70, 'client', { client: 1 }, 'host', { time: 30_000 })
    expect(names(client, running, stopped, late, response(71, 'client', { client: 1 }))).toEqual(
      Array(2).fill('71 client.js -> old'),
    )
  })

  test('the same container started again has its addresses of then', () => {
    const first = container(0, 'web', { addresses: ['10.0.0.2'], to: 100_000 })
    const second = container(5000, 'web', { addresses: ['10.0.0.7'] })
    expect(
      run(client, first, second, ...asks(5010), ...asks(5020, '10.0.0.7')).map(({ server }) => server.name),
    ).toEqual([...['host', 'host'], ...['web', 'web']])
  })

  test('when the host starts anew, nothing of before runs any more', () => {
    const before = container(0, 'old', { addresses: ['10.0.0.2'] })
    const host = containerHost(5000, { boot: Buffer.alloc(16, 2) })
    expect(names(client, before, host, ...asks(5010), watermark(8000))).toEqual(Array(2).fill('7010 client.js -> host'))
    const other = container(5000, 'other', { boot: Buffer.alloc(16, 2) })
    expect(names(client, before, other, ...asks(5010))).toEqual(Array(2).fill('5011 client.js -> host'))
  })
})

describe('when the containers that run have been listed, what was not told of again has stopped', () => {
  const port = { hostAddress: '0.0.0.0', hostPort: 8080, containerPort: 80, transport: 'tcp' as const }
  const old = container(1, 'old', { addresses: ['10.0.0.2'], ports: [port] })
  const begun = [containerHost(0), old, containerHost(5000, { complete: false })]
  const calls = [...asks(8000), ...asks(8010, '127.0.0.1'), watermark(20_000)]
  const served = (...given: Step[]) => run(client, ...given, ...calls).map(({ server }) => server.name)

  test('in another run of the capture, or after the runtime was lost', () => {
    expect(served(...begun, containerHost(6000))).toEqual(Array(4).fill('host'))
    const again = container(5500, 'old', { ...(old.value as Partial<Container>), time: 5_500_000 })
    expect(served(...begun, again, containerHost(6000))).toEqual(Array(4).fill('old'))
  })

  test('not before that, and not because of another host', () => {
    expect(served(...begun)).toEqual(Array(4).fill('old'))
    const others = [containerHost(5100, { host: 'b', complete: false }), containerHost(5200, { host: 'b' })]
    expect(served(...begun, ...others)).toEqual(Array(4).fill('old'))
    expect(served(containerHost(0, { complete: false }), old, containerHost(10))).toEqual(Array(4).fill('old'))
    const justBefore = container(3500, 'old', old.value as Partial<Container>)
    expect(served(...begun, justBefore, containerHost(6000))).toEqual(Array(4).fill('old'))
  })

  test('what it said before that stays its own', () => {
    const early = request(6500, 'client', { client: 1 }, 'host', { time: 500_000 })
    const given = [client, ...begun, containerHost(6000), early, response(6501, 'client', { client: 1 })]
    expect(names(...given)).toEqual(Array(2).fill('6501 client.js -> old'))
  })
})

describe('an address means what it means where it is seen', () => {
  const network = (name: string, address: string) => ({
    networks: [{ name, addresses: [address], gateways: [] }],
    addresses: [address],
  })
  const caller = process(0, 1, { cgroup: cgroup('caller') })
  const from = { clientAddress: '10.9.0.9' }

  test('of two containers with one address, the one on a network of the client’s container', () => {
    const given = [
      container(0, 'caller', network('blue', '10.9.0.9')),
      container(1, 'mine', network('blue', '10.0.0.2')),
      container(2, 'other', network('red', '10.0.0.2')),
      caller,
      ...asks(10, '10.0.0.2', from),
    ]
    expect(names(...given)).toEqual(Array(2).fill('11 caller -> mine'))
  })

  test('where it cannot be told which, neither', () => {
    const given = [
      container(1, 'mine', network('blue', '10.0.0.2')),
      container(2, 'other', network('red', '10.0.0.2')),
      client,
      ...asks(10),
    ]
    expect(names(...given)).toEqual(Array(2).fill('11 client.js -> host'))
  })

  test('a runtime inside a container has networks of its own', () => {
    const given = (netns: number) => [
      container(0, 'caller', { ...network('blue', '10.9.0.9'), netns: 500 }),
      container(1, 'outer', { ...network('blue', '10.0.0.2'), netns: 600 }),
      caller,
      ...asks(10, '10.0.0.2', { ...from, netns }),
    ]
    expect(names(...given(501))).toEqual(Array(2).fill('11 caller -> host'))
    expect(names(...given(500))).toEqual(Array(2).fill('11 caller -> outer'))
  })

  test('another host’s container, only on a network that is one on both', () => {
    const swarm = 'abcdefghijklmnopqrstuvwxy'
    const far = (name: string) => container(1, 'far', { host: 'other', ...network(name, '10.0.0.2') })
    const near = (name: string) => container(0, 'caller', network(name, '10.9.0.9'))
    const server = (name: string) => names(near(name), far(name), caller, ...asks(10, '10.0.0.2', from))[0]
    expect(server(swarm)).toBe('11 caller -> far')
    expect(server('bridge')).toBe('11 caller -> host')
    const pod = (name: string) => ({ labels: { 'io.kubernetes.pod.name': name, 'io.kubernetes.pod.uid': name } })
    const inPods = [
      container(0, 'caller', pod('one')),
      container(1, 'far', { host: 'other', addresses: ['10.0.0.2'], ...pod('two') }),
      caller,
    ]
    expect(names(...inPods, ...asks(10, '10.0.0.2', from))[0]).toBe('11 one -> two')
  })
})

describe('containers that share a network namespace', () => {
  const pod = (kind: string) => ({
    labels: { 'io.kubernetes.pod.name': 'db-0', 'io.kubernetes.pod.uid': 'u', 'io.cri-containerd.kind': kind },
    addresses: ['10.0.0.2'],
    netns: 700,
  })

  test('a pod: its only program, not the sandbox that holds its network', () => {
    const given = [container(0, 'sandbox', pod('sandbox')), container(1, 'postgres', pod('container')), client]
    const written = run(...given, ...asks(10))
    expect(written[0]?.server).toMatchObject({ name: 'db', container: { name: 'postgres' } })
  })

  test('a pod of several: which of them listens cannot be told, so it is the pod’s own', () => {
    const given = [
      container(0, 'sandbox', pod('sandbox')),
      container(1, 'postgres', pod('container')),
      container(2, 'exporter', pod('container')),
      client,
    ]
    expect(run(...given, ...asks(10))[0]?.server).toMatchObject({ name: 'db', container: { name: 'sandbox' } })
  })

  test('a port of the host that leads to a pod: its only program, though the port is the sandbox’s', () => {
    const ports = [{ hostAddress: '0.0.0.0', hostPort: 8080, containerPort: 80, transport: 'tcp' as const }]
    const given = [container(0, 'sandbox', { ...pod('sandbox'), ports }), client]
    const server = (...more: Step[]) => run(...given, ...more, ...asks(10, '127.0.0.1'))[0]?.server
    const program = container(1, 'postgres', pod('container'))
    expect(server(program)).toMatchObject({ name: 'db', container: { name: 'postgres' } })
    expect(server(program, container(2, 'exporter', pod('container')))?.container?.name).toBe('sandbox')
  })

  test('network_mode: service:…: the one whose network it is', () => {
    const shared = { addresses: ['10.0.0.2'], netns: 700 }
    const given = [container(5, 'guest', shared), container(1, 'owner', shared), client]
    expect(names(...given, ...asks(10))).toEqual(Array(2).fill('11 client.js -> owner'))
  })
})

describe('published ports', () => {
  const port = (hostAddress: string, hostPort: number, transport: 'tcp' | 'udp' = 'tcp') => ({
    ports: [{ hostAddress, hostPort, containerPort: 80, transport }],
  })

  test('one of this very address comes before one of all, and that before one of the other family', () => {
    const host = containerHost(0, { addresses: ['192.168.1.5'] })
    const all = container(9, 'all', port('0.0.0.0', 8080))
    const six = container(8, 'six', port('::', 8080))
    const very = container(7, 'very', port('192.168.1.5', 8080))
    expect(names(host, all, six, very, client, ...asks(10, '192.168.1.5'))[0]).toBe('11 client.js -> very')
    expect(names(host, six, all, client, ...asks(10, '192.168.1.5'))[0]).toBe('11 client.js -> all')
    expect(names(host, six, all, client, ...asks(10, '::1'))[0]).toBe('11 client.js -> six')
    expect(names(host, six, client, ...asks(10, '127.0.0.1'))[0]).toBe('11 client.js -> six')
    expect(names(host, container(8, 'any', port('', 8080)), client, ...asks(10, '::1'))[0]).toBe('11 client.js -> any')
  })

  test('by the gateway of a network the client is on, though that is not an address of our host (rootless)', () => {
    const networks = [{ name: 'n', addresses: ['10.9.0.9'], gateways: ['10.9.0.1'] }]
    const given = [containerHost(0), container(0, 'all', port('0.0.0.0', 8080)), container(0, 'caller', { networks })]
    const caller = process(0, 1, { cgroup: cgroup('caller') })
    expect(names(...given, caller, ...asks(10, '10.9.0.1'))[0]).toBe('11 caller -> all')
    expect(names(...given, client, ...asks(10, '10.9.0.1'), watermark(3000))[0]).toBe('2010 client.js -> host')
  })

  test('of two the one that was started last; of another transport none', () => {
    const [old, young] = [container(1, 'old', port('0.0.0.0', 8080)), container(5, 'young', port('0.0.0.0', 8080))]
    expect(names(young, old, client, ...asks(10, '127.0.0.1'))).toEqual(Array(2).fill('11 client.js -> young'))
    const udp = container(1, 'udp', port('0.0.0.0', 8080, 'udp'))
    expect(names(udp, client, ...asks(10, '127.0.0.1'))).toEqual(Array(2).fill('11 client.js -> host'))
  })

  test('loopback is that of the run at the time: a container may be started again on the network of the host', () => {
    const web = container(0, 'web', port('0.0.0.0', 8080))
    const runs = [container(0, 'app', { to: 1_000_000 }), container(5000, 'app', { hostNetwork: true })]
    const caller = process(0, 1, { cgroup: cgroup('app') })
    expect(run(web, ...runs, caller, ...asks(5010, '127.0.0.1')).map(({ server }) => server.name)).toEqual([
      'web',
      'web',
    ])
    const before = { ...(asks(5010, '127.0.0.1')[0] as { value: object }) }
    const early = { ...before, value: { ...before.value, time: 500_000 } } as Step
    expect(names(web, ...runs, caller, early, watermark(9000))).toEqual(['7010 app -> host'])
  })

  test('belongs to a container while that runs', () => {
    const stopped = container(0, 'old', { ...port('0.0.0.0', 8080), to: 5000 })
    expect(names(stopped, client, ...asks(10, '127.0.0.1'))).toEqual(Array(2).fill('11 client.js -> host'))
  })

  test('loopback without a word on network namespaces: the host’s outside containers and on the host’s network', () => {
    const web = container(0, 'web', port('0.0.0.0', 8080))
    const app = (hostNetwork: boolean) => container(0, 'app', { hostNetwork })
    const caller = process(0, 1, { cgroup: cgroup('app') })
    expect(names(web, app(false), caller, ...asks(10, '127.0.0.1'))[0]).toBe('11 app -> host')
    expect(names(web, app(true), caller, ...asks(10, '127.0.0.1'))[0]).toBe('11 app -> web')
  })
})

test('a process whose cgroup says nothing is in the container that has its address', () => {
  const web = container(0, 'web', { addresses: ['10.0.0.2'] })
  const plain = process(0, 2, { cgroup: '' })
  expect(names(client, web, plain, request(10, 'client', ends))).toEqual(['10 client.js -> web'])
  // One whose cgroup names a container that nobody told of is not in another one.
  expect(names(client, web, inside('elsewhere'), request(10, 'client', ends))).toEqual(['10 client.js -> p'])
})

test('containers are forgotten some time after they stopped', () => {
  const stopped = container(0, 'old', { addresses: ['10.0.0.2'], cgroup: '/a/b', to: 1_000_000 })
  const size = (...given: Step[]) => runProcessor(containerEnricher, given).state.size
  expect(size(stopped, watermark(3_601_000))).toBe(1)
  expect(size(stopped, watermark(3_601_001))).toBe(0)
  // Swept or not, its names end then.
  const asked = [process(0, 2, { cgroup: '/a/b' }), client]
  const late = (at: number) => request(at, 'client', { ...ends, id: at }, 'x', { time: 500_000 })
  expect(names(stopped, ...asked, late(3_601_000), late(3_601_001)).map((one) => one.split(' -> ')[1])).toEqual([
    'old',
    'program-2',
  ])
})

test('what a cgroup spoke of in vain is forgotten after an hour', () => {
  const { state } = runProcessor(containerEnricher, [inside('never'), watermark(3_600_001)])
  expect([...state.entries()].filter(([one]) => one.startsWith('u'))).toEqual([])
  const kept = runProcessor(containerEnricher, [inside('never'), watermark(3_600_000)]).state
  expect([...kept.entries()].filter(([one]) => one.startsWith('u'))).toHaveLength(1)
})
