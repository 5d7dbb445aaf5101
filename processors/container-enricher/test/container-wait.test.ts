import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runProcessor } from '../../../runtime/test/run-processor.js'
import { containerEnricher } from '../src/index.js'
import { connection, container, containerHost, containerId, end, process, request, response } from './observed.js'
import { names, reasons, run, type Step, watermark } from './run-enricher.js'

const cgroup = (name: string) => `/docker/${containerId(name)}`
const client = process(0, 1, { args: 'node client.js' })
const inside = process(10, 2, { args: 'python3 server.py', cgroup: cgroup('web') })
const web = (at: number, from = 5) =>
  container(at, 'web', { service: 'web', from: from * 1000, addresses: ['10.0.0.2'] })
const both = { client: 1, server: 2, peer: true }

describe('a process whose container is not known yet', () => {
  const asked = [containerHost(0), client, inside, request(20, 'client', both), response(21, 'server', both)]

  test('is held until the container is told of, then named with all that was held, in its order', () => {
    const written = run(...asked, watermark(5000), web(5001), watermark(5050), end(5060, 'client', both))
    expect(written.map(({ timestamp, kind, server }) => [timestamp, kind, server.name])).toEqual([
      [5050, 'TrafficMessage', 'web'],
      [5050, 'TrafficMessage', 'web'],
      [5060, 'TrafficConnectionEnd', 'web'],
    ])
    expect(written[1]?.value).toMatchObject({ message: { kind: 'response' } })
  })

  test('its next record releases it too', () => {
    expect(names(...asked, web(5001), response(5002, 'client', both))).toEqual(Array(3).fill('5002 client.js -> web'))
  })

  test('goes out at most ten seconds after the first process of that container, and says why', () => {
    expect(names(...asked, watermark(10_009))).toEqual([])
    expect(names(...asked, watermark(10_010))).toEqual(Array(2).fill('10010 client.js -> server.py'))
    const reason = `script it runs; its runtime did not tell of container ${containerId('web').slice(0, 12)}`
    expect(reasons(...asked, watermark(10_010))).toEqual([`server.py: ${reason}`])
    expect(run(...asked, watermark(10_010))[0]?.server).toMatchObject({ type: 'external', container: null })
    // Later processes of that container do not begin to wait anew.
    const again = process(9000, 3, { args: 'python3 other.py', cgroup: cgroup('web') })
    const later = [
      ...asked,
      again,
      watermark(10_010),
      request(10_020, 'server', { client: 1, server: 3, peer: true, id: 2 }),
    ]
    expect(names(...later).at(-1)).toBe('10020 client.js -> other.py')
  })

  test('the end of its connection, and of capture, do not lose what is held', () => {
    expect(names(...asked, end(30, 'client', both), end(31, 'server', both), watermark(40, true))).toEqual(
      Array(4).fill('40 client.js -> server.py'),
    )
    const { state } = runProcessor(containerEnricher, [
      ...asked,
      end(30, 'client', both),
      end(31, 'server', both),
      watermark(20_000),
    ])
    expect([...state.entries()].filter(([key]) => key.startsWith('k'))).toEqual([])
  })

  test('nothing waits where no runtime is watched', () => {
    expect(names(client, inside, request(20, 'client', both))).toEqual(['20 client.js -> server.py'])
    expect(reasons(client, inside, request(20, 'client', both))).toEqual(['server.py: script it runs'])
  })

  test('a process whose cgroup names no container does not wait', () => {
    const plain = process(10, 2, { args: 'python3 server.py', cgroup: '/system.slice/app.service' })
    expect(names(containerHost(0), client, plain, request(20, 'client', both))).toEqual(['20 client.js -> server.py'])
  })

  test('a container of another runtime inside one: the outer names it when the inner is not told of in time', () => {
    const nested = process(10, 2, { cgroup: `${cgroup('web')}/docker/${containerId('inner')}` })
    const given = [containerHost(0), client, web(5), nested, request(20, 'client', both)]
    expect(names(...given, watermark(10_009))).toEqual([])
    expect(names(...given, watermark(10_010))).toEqual(['10010 client.js -> web'])
    expect(names(...given, container(30, 'inner', { service: 'deep' }), watermark(31))).toEqual([
      '31 client.js -> deep',
    ])
  })
})

describe('ctr', () => {
  const byName = process(10, 2, { cgroup: '/default/web' })
  const chosen = container(40, 'web', {
    id: 'web',
    name: 'web',
    runtime: 'containerd',
    cgroup: '/default/web',
    from: 5000,
  })
  const asked = [client, byName, request(20, 'client', both)]

  test('a container is known by the path of its cgroup where that holds no id', () => {
    const host = containerHost(0, { runtime: 'containerd' })
    expect(names(host, ...asked, chosen, watermark(50))).toEqual(['50 client.js -> web'])
    const below = process(10, 2, { cgroup: '/default/web/worker' })
    expect(names(host, client, below, request(20, 'client', both), chosen, watermark(50))).toEqual([
      '50 client.js -> web',
    ])
    expect(names(host, client, below, request(20, 'client', both), watermark(10_010))).toEqual([
      '10010 client.js -> program-2',
    ])
  })

  test('is not waited for where the runtime is another', () => {
    expect(names(containerHost(0), ...asked)).toEqual(['20 client.js -> program-2'])
  })

  test('of two that had the path, the one that ran at the time', () => {
    const host = containerHost(0, { runtime: 'containerd' })
    const old = container(1, 'old', { cgroup: '/default/web', from: 1000, to: 8000 })
    expect(names(host, old, chosen, client, byName, request(50, 'client', both))).toEqual(['50 client.js -> web'])
    const before = request(50, 'client', both, 'x', { time: 3000 })
    expect(names(host, old, chosen, client, byName, before)).toEqual(['50 client.js -> old'])
  })
})

describe('the other end, where a runtime is watched', () => {
  const host = containerHost(0)
  const ends = { client: 1, serverAddress: '10.0.0.2' }
  const asked = [client, request(20, 'client', ends, 'api'), response(21, 'client', ends)]

  test('an address that is nobody’s may be a container’s that started a moment ago: two seconds', () => {
    expect(names(host, ...asked, watermark(2019))).toEqual([])
    expect(names(host, ...asked, watermark(2020))).toEqual(Array(2).fill('2020 client.js -> api'))
    expect(names(host, ...asked, web(500, 15), watermark(510))).toEqual(Array(2).fill('510 client.js -> web'))
  })

  test('a public address is no container’s: the answer shows that nobody else is at the other end', () => {
    const far = { client: 1, serverAddress: '93.184.216.34' }
    expect(names(host, client, request(20, 'client', far, 'api'), response(21, 'client', far))).toEqual(
      Array(2).fill('21 client.js -> api'),
    )
    const own = containerHost(0, { addresses: ['93.184.216.34'] })
    expect(names(own, client, request(20, 'client', far, 'api'), response(21, 'client', far))).toEqual([])
  })

  test('a client that is the host itself is not waited for', () => {
    const from = (clientAddress: string) => ({ server: 1, clientAddress, serverAddress: '10.0.0.9' })
    const served = (clientAddress: string) =>
      names(host, client, request(20, 'server', from(clientAddress)), response(21, 'server', from(clientAddress)))
    expect(served('172.17.0.1')).toEqual(Array(2).fill('21 172.17.0.1 -> client.js'))
    expect(served('127.0.0.1')).toEqual(Array(2).fill('21 127.0.0.1 -> client.js'))
    expect(served('10.0.0.2')).toEqual([])
  })

  test('while containers are being listed, up to ten seconds', () => {
    const listing = containerHost(0, { complete: false })
    expect(names(listing, ...asked, watermark(9_999))).toEqual([])
    expect(names(listing, ...asked, watermark(10_000))).toEqual(Array(2).fill('10000 client.js -> api'))
    const listed = containerHost(4000, { complete: true })
    expect(names(listing, ...asked, listed, watermark(4010))).toEqual(Array(2).fill('4010 client.js -> api'))
    expect(names(listing, ...asked, listed, web(3999), watermark(4010))).toEqual(Array(2).fill('4010 client.js -> web'))
  })

  test('when the runtime is lost the wait begins again, but not with each attempt to find it', () => {
    const lost = [host, containerHost(1000, { complete: false }), containerHost(4000, { complete: false, runtime: '' })]
    const then = [client, request(5000, 'client', ends, 'api'), response(5001, 'client', ends)]
    expect(names(...lost, ...then, watermark(10_999))).toEqual([])
    expect(names(...lost, ...then, watermark(11_000))).toEqual(Array(2).fill('11000 client.js -> api'))
    expect(names(...lost, client, request(12_000, 'client', ends, 'api'), watermark(14_000))).toEqual([
      '14000 client.js -> api',
    ])
  })
})

test('a process that shows itself late takes its place, under the names the connection has, to its end', () => {
  const ends = { client: 1, server: 3 }
  const given = [client, process(0, 3), connection(10, 'client', ends), watermark(3000)]
  const ended = [end(4000, 'server', ends), watermark(4000), end(4001, 'client', ends)]
  const written = run(...given, ...ended, watermark(4001))
  expect(written.map(({ server }) => server.name)).toEqual(['10.0.0.2', '10.0.0.2', '10.0.0.2'])
  expect(written.map(({ server }) => server.process?.key.pid)).toEqual([undefined, 3, 3])
  const { state } = runProcessor(containerEnricher, [...given, ...ended, watermark(4001)])
  expect([...state.entries()].filter(([key]) => key.startsWith('k'))).toEqual([])
})

test('names do not depend on when containers are told of, as long as that is in time', () => {
  const told: ((delay: number) => Step)[] = [
    (delay) => web(5 + delay),
    (delay) => container(6 + delay, 'db', { from: 6000, addresses: ['10.0.0.3'] }),
    (delay) => container(7 + delay, 'app', { service: 'app', from: 7000, addresses: ['10.0.0.4'] }),
  ]
  const app = { client: 5, clientAddress: '10.0.0.4' }
  const traffic = (at: number): Step[] => [
    process(at, 5, { cgroup: cgroup('app') }),
    inside,
    request(at + 1, 'client', { id: 1, ...app, server: 2 }, 'web'),
    request(at + 2, 'server', { id: 1, ...app, server: 2, peer: true }, 'web'),
    connection(at + 3, 'client', { id: 2, ...app, serverAddress: '10.0.0.3' }),
    request(at + 4, 'client', { id: 3, ...app, serverAddress: '10.0.0.3' }, 'db'),
    response(at + 5, 'client', { id: 3, ...app, serverAddress: '10.0.0.3' }),
  ]
  const ends = (steps: Step[]) =>
    run(...steps.sort((a, b) => a.at - b.at))
      .map(({ client, server, value }) => `${client.name} -> ${server.name} ${JSON.stringify(Object.values(value)[2])}`)
      .sort()
  const marks = Array.from({ length: 40 }, (_, index) => watermark(index * 100))
  const all = (delays: number[]) => [
    containerHost(0),
    ...told.map((one, index) => one(delays[index] as number)),
    ...traffic(20),
    ...marks,
  ]
  const expected = ends(all([0, 0, 0]))
  expect(new Set(expected.map((one) => one.split(' {')[0]))).toEqual(new Set(['app -> web', 'app -> db']))
  fc.assert(
    fc.property(fc.array(fc.nat(1900), { minLength: 3, maxLength: 3 }), (delays) => {
      expect(ends(all(delays))).toEqual(expected)
    }),
    { numRuns: 30, interruptAfterTimeLimit: 60_000 },
  )
}, 120_000)
