import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { endings } from '../../../tests/harness/at-end.js'
import { containerProcess } from '../../src/containers/container-process.js'
import {
  containerdName,
  nerdctlNetworks,
  nerdctlPorts,
  podPorts,
  specCgroup,
} from '../../src/containers/containerd/containerd-description.js'
import { containerdEvent } from '../../src/containers/containerd/containerd-runtime.js'
import { dockerFacts, microsecondsOf } from '../../src/containers/docker-description.js'
import { dockerEvent } from '../../src/containers/docker-events.js'
import { describeNetworks, interfacesOf } from '../../src/containers/network-namespace.js'

const atEnd = endings()
function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-containers-'))
  atEnd(() => rmSync(folder, { recursive: true }))
  return folder
}

describe("Docker's description", () => {
  const running = {
    Running: true,
    Pid: 7,
    StartedAt: '2026-01-02T03:04:05.123456789Z',
    FinishedAt: '0001-01-01T00:00:00Z',
  }

  test('what is missing is left out', () => {
    expect(dockerFacts({ Id: 'x', State: running })).toEqual({
      id: 'x',
      name: 'x',
      image: '',
      labels: {},
      running: true,
      pid: 7,
      startedAt: 1_767_323_045_123_456,
      finishedAt: null,
      hostNetwork: false,
      networkOf: null,
      networks: [],
      ports: [],
      cgroup: '',
    })
  })

  test('ports that are not published, of other protocols, or nonsense are none', () => {
    const bound = (HostPort: string) => [{ HostIp: '', HostPort }]
    const Ports = {
      '80/tcp': bound('8080'),
      '81/tcp': null,
      '82/sctp': bound('82'),
      '83/udp': bound('0'),
      odd: bound('1'),
    }
    expect(dockerFacts({ Id: 'x', State: running, NetworkSettings: { Ports } }).ports).toEqual([
      { hostAddress: '0.0.0.0', hostPort: 8080, containerPort: 80, transport: 'tcp' },
    ])
  })

  test('one that does not run is on no network', () => {
    const Networks = {
      bridge: { NetworkID: 'n', IPAddress: '172.17.0.2', GlobalIPv6Address: '', Gateway: '172.17.0.1' },
    }
    const described = (State: object) => dockerFacts({ Id: 'x', State, NetworkSettings: { Networks } }).networks
    expect(described({ ...running, Running: false })).toEqual([])
    expect(described(running)).toEqual([{ name: 'n', addresses: ['172.17.0.2'], gateways: ['172.17.0.1'] }])
  })

  test.each([
    ['2026-01-02T03:04:05Z', 1_767_323_045_000_000],
    ['2026-01-02T03:04:05.5Z', 1_767_323_045_500_000],
    ['2026-01-02T03:04:05.123456789+01:00', 1_767_319_445_123_456],
    ['0001-01-01T00:00:00Z', null],
    ['', null],
    [null, null],
    ['yesterday', null],
  ])('time %s', (time, microseconds) => {
    expect(microsecondsOf(time)).toBe(microseconds)
  })
})

describe("Docker's events", () => {
  const event = (Type: string, Action: string, Attributes = {}) =>
    dockerEvent({
      Type,
      Action,
      Actor: { ID: 'x', Attributes },
      time: 1_700_000_000,
      timeNano: 1_700_000_000_123_456 * 1000,
    })

  test('of a container, with its labels', () => {
    expect(event('container', 'start', { name: 'n', image: 'i', 'a.b': 'c' })).toEqual({
      kind: 'started',
      id: 'x',
      time: 1_700_000_000_123_456,
      told: { name: 'n', image: 'i', labels: { 'a.b': 'c' } },
    })
  })

  test.each([
    ['create', 'created'],
    ['init', 'starting'],
    ['die', 'stopped'],
    ['died', 'stopped'],
    ['rename', 'changed'],
    ['destroy', 'removed'],
    ['remove', 'removed'],
  ])('%s', (action, kind) => {
    expect(event('container', action)?.kind).toBe(kind)
  })

  test('of a network they concern the container', () => {
    expect(event('network', 'connect', { container: 'c' })).toMatchObject({ kind: 'changed', id: 'c' })
    expect(event('network', 'create', {})).toBeNull()
  })

  test('others say nothing, and nonsense is no event', () => {
    expect(event('container', 'exec_start: ls')).toBeNull()
    expect(event('image', 'pull')).toBeNull()
    expect(() => dockerEvent({ Action: 'start' })).toThrow()
  })
})

describe("containerd's descriptions", () => {
  test.each<[string, Record<string, string>, string]>([
    ['nerdctl', { 'nerdctl/name': 'web' }, 'web'],
    ['ctr', {}, 'id'],
    ['an empty name', { 'nerdctl/name': '' }, 'id'],
    [
      'Kubernetes',
      { 'io.kubernetes.pod.name': 'p', 'io.kubernetes.pod.namespace': 'n', 'io.kubernetes.container.name': 'c' },
      'n/p/c',
    ],
    [
      'the sandbox of a pod',
      { 'io.kubernetes.pod.name': 'p', 'io.kubernetes.pod.namespace': 'n', 'io.cri-containerd.kind': 'sandbox' },
      'n/p/sandbox',
    ],
  ])('the name by %s', (_, labels, name) => {
    expect(containerdName('id', labels)).toBe(name)
  })

  test('ports of nerdctl are in a label, or in a file of newer versions', () => {
    const port = { HostPort: 8080, ContainerPort: 80, Protocol: 'tcp', HostIP: '' }
    const told = { hostAddress: '0.0.0.0', hostPort: 8080, containerPort: 80, transport: 'tcp' }
    expect(nerdctlPorts({ 'nerdctl/ports': JSON.stringify([port, { ...port, Protocol: 'sctp' }]) })).toEqual([told])
    const folder = temporary()
    writeFileSync(join(folder, 'network-config.json'), JSON.stringify({ portMappings: [port] }))
    expect(nerdctlPorts({ 'nerdctl/state-dir': folder })).toEqual([told])
    expect(nerdctlPorts({ 'nerdctl/state-dir': '/nowhere', 'nerdctl/ports': 'nonsense' })).toEqual([])
  })

  test('ports of the host that lead to a pod are kept with its sandbox', () => {
    const kept = (port_mappings: unknown) => ({
      'io.cri-containerd.sandbox.metadata': {
        value: Buffer.from(JSON.stringify({ Version: 'v1', Metadata: { ID: 'x', Config: { port_mappings } } })),
      },
    })
    const ports = [
      { container_port: 80, host_port: 9080 },
      { protocol: 1, container_port: 53, host_port: 5353, host_ip: '10.0.0.1' },
      { protocol: 2, container_port: 7, host_port: 7 },
      { container_port: 8080 },
    ]
    expect(podPorts(kept(ports))).toEqual([
      { hostAddress: '0.0.0.0', hostPort: 9080, containerPort: 80, transport: 'tcp' },
      { hostAddress: '10.0.0.1', hostPort: 5353, containerPort: 53, transport: 'udp' },
    ])
    for (const none of [{}, kept(undefined), kept('nonsense'), { other: { value: Buffer.from('x') } }]) {
      expect(podPorts(none)).toEqual([])
    }
  })

  test('networks of nerdctl', () => {
    expect(nerdctlNetworks({ 'nerdctl/networks': '["a","b"]' })).toEqual(['a', 'b'])
    expect(nerdctlNetworks({ 'nerdctl/networks': '{}' })).toEqual([])
    expect(nerdctlNetworks({})).toEqual([])
  })

  test.each([
    ['/default/web', '/default/web'],
    ['system.slice:nerdctl:abc', '/system.slice/nerdctl-abc.scope'],
    [':cri-containerd:abc', '/system.slice/cri-containerd-abc.scope'],
    ['user.slice::web', '/user.slice/web.scope'],
    [
      'kubepods-burstable-pod1_2.slice:cri-containerd:abc',
      '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-abc.scope',
    ],
  ])('cgroup %s', (cgroupsPath, path) => {
    expect(specCgroup(Buffer.from(JSON.stringify({ linux: { cgroupsPath } })))).toBe(path)
  })

  test('no cgroup, where the specification has none', () => {
    expect(specCgroup(Buffer.from('{}'))).toBe('')
    expect(specCgroup(undefined)).toBe('')
  })

  test('events', () => {
    const event = (topic: string, fields: Record<string, unknown>) =>
      containerdEvent({ topic, namespace: 'n', timestamp: { seconds: 5, nanos: 7_000 }, event: fields })
    const task = { container_id: 'c', id: 'c', pid: 3 }
    expect(event('/tasks/start', task)).toEqual({ kind: 'started', id: 'c', time: 5_000_007, told: { pid: 3 } })
    expect(event('/tasks/create', task)).toMatchObject({ kind: 'starting', id: 'c' })
    expect(event('/tasks/exit', task)).toMatchObject({ kind: 'stopped', id: 'c' })
    expect(event('/tasks/exit', { ...task, id: 'added' })).toBeNull()
    expect(event('/containers/create', { id: 'c', image: 'i' })).toMatchObject({
      kind: 'created',
      told: { image: 'i' },
    })
    expect(event('/containers/delete', { id: 'c' })).toMatchObject({ kind: 'removed' })
    expect(event('/images/create', {})).toBeNull()
  })
})

describe('the network namespace of a process', () => {
  const files = {
    fib_trie: `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.88.0.0/16 2 0 2
        |-- 10.88.0.0
           /16 link UNICAST
        |-- 10.88.0.5
           /32 host LOCAL
        |-- 10.88.255.255
           /32 link BROADCAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
     |-- 192.168.7.9
        /32 host LOCAL
Local:
     |-- 10.88.0.5
        /32 host LOCAL
`,
    route: `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100580A\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000580A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
eth1\t0007A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
`,
    if_inet6: `00000000000000000000000000000001 01 80 10 80       lo
fe80000000000000042a5bfffe3c1e11 02 40 20 80     eth0
fd123456000000000000000000000002 02 40 00 80     eth0
`,
    ipv6_route: `fd123456000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd123456000000000000000000000001 00000400 00000001 00000000 00000003     eth0
`,
  }

  test('addresses and gateways by interface, without loopback and link-local ones', () => {
    expect(interfacesOf((file) => files[file])).toEqual([
      { name: 'eth0', addresses: ['10.88.0.5', 'fd12:3456::2'], gateways: ['10.88.0.1', 'fd12:3456::1'] },
      { name: 'eth1', addresses: ['192.168.7.9'], gateways: [] },
    ])
  })

  test('nothing but loopback', () => {
    expect(interfacesOf(() => '')).toEqual([])
  })

  test('a process that is gone is on no network', () => {
    expect(describeNetworks(4_194_304, ['a'], 'b')).toEqual({ hostNetwork: false, networks: [] })
    expect(describeNetworks(0, [], 'b')).toEqual({ hostNetwork: false, networks: [] })
  })

  test('one in the namespace of its parent is on the network of the host', () => {
    expect(describeNetworks(process.pid, [], 'b')).toEqual({ hostNetwork: true, networks: [] })
  })
})

describe("a container's first process", () => {
  const id = 'ab'.repeat(32)
  /** A /proc with one process in it. */
  function proc(cgroup: string): string {
    const root = temporary()
    mkdirSync(join(root, '7', 'ns'), { recursive: true })
    writeFileSync(join(root, '7', 'cgroup'), cgroup)
    writeFileSync(join(root, '7', 'stat'), `7 (a) S 1${' 0'.repeat(17)} 100 0`)
    writeFileSync(join(root, '7', 'ns', 'net'), '')
    writeFileSync(join(root, 'uptime'), '10.00 5.00\n')
    return root
  }

  test('is in the cgroup of the container, or below it', () => {
    const before = Date.now() * 1000
    const read = containerProcess(id, 7, '', proc(`0::/machine.slice/libpod-${id}.scope/container\n`))
    expect(read.cgroup).toBe(`/machine.slice/libpod-${id}.scope`)
    expect(read.netns).toBeGreaterThan(0)
    expect(read.startedAt).toBeLessThanOrEqual(Date.now() * 1000 - 9_000_000)
    expect(read.startedAt).toBeGreaterThan(before - 9_100_000)
  })

  test('of a pid that is somebody else here is not taken', () => {
    const foreign = proc('0::/system.slice/nginx.service\n')
    expect(containerProcess(id, 7, '', foreign)).toEqual({ cgroup: '', netns: 0, startedAt: null })
    expect(containerProcess('web', 7, '/default/web', foreign)).toEqual({
      cgroup: '/default/web',
      netns: 0,
      startedAt: null,
    })
  })

  test('of an id of any form is told by what was asked for', () => {
    expect(containerProcess('web', 7, '/default/web', proc('3:pids:/default/web/inner\n')).netns).toBeGreaterThan(0)
  })

  test('that is gone leaves what was asked for', () => {
    expect(containerProcess(id, 8, '/default/x', proc(''))).toEqual({ cgroup: '/default/x', netns: 0, startedAt: null })
  })
})
