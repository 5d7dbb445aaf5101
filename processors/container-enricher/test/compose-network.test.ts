import { describe, expect, test } from 'vitest'
import * as shop from './compose-network.js'
import { connection, containerId, end, key, request, response } from './observed.js'
import { names, run, type Step, watermark } from './run-enricher.js'

const of = (name: string) => ({
  service: name,
  image: `shop/${name}:2`,
  id: containerId(`shop-${name}-1`),
  name: `shop-${name}-1`,
  pod: null,
})
/** Which container each end is, or its address. */
const ends = (...given: Step[]): string[] => [
  ...new Set(
    run(...shop.project, shop.webProcess, shop.apiProcess, shop.hostProcess, ...given, watermark(20_000, true)).map(
      ({ client, server }) =>
        [client, server].map(({ name, type, container }) => `${name} (${container?.name ?? type})`).join(' -> '),
    ),
  ),
]

const inWeb = { client: 1, netns: shop.netns.web, clientAddress: '172.19.0.2' }
const inApi = { client: 2, netns: shop.netns.api, clientAddress: '172.19.0.3' }
const onHost = { client: 9, netns: shop.hostNetns, clientAddress: '192.168.1.5' }
const to = (serverAddress: string, serverPort: number) => ({ serverAddress, serverPort })
const asks = (from: object, destination: object) => {
  const both = { ...from, ...destination }
  return ends(request(100, 'client', both, 'localhost'), response(101, 'client', both))
}

describe('a container to another', () => {
  test('both observed: their services, containers and processes, in all records from both ends', () => {
    const both = { ...inWeb, ...to('172.19.0.3', 3000), server: 2 }
    const known = { ...both, peer: true }
    const written = run(
      ...shop.project,
      shop.webProcess,
      shop.apiProcess,
      request(100, 'client', both, 'api:3000'),
      request(101, 'server', known, 'api:3000'),
      response(102, 'server', known),
      response(103, 'client', known),
      end(104, 'client', known),
      end(105, 'server', known),
    )
    expect(written.map(({ timestamp }) => timestamp)).toEqual([101, 101, 102, 103, 104, 105])
    for (const { client, server } of written) {
      expect(client).toMatchObject({ name: 'web', type: 'container', container: of('web'), process: { key: key(1) } })
      expect(server).toMatchObject({ name: 'api', type: 'container', container: of('api'), process: { key: key(2) } })
      expect(server.reason).toBe('Compose service of its container')
    }
  })

  test.each([
    ['IPv4', '172.19.0.4'],
    ['IPv6', 'fd00:b::4'],
    ['IPv6 written otherwise', 'FD00:B:0::4'],
    ['IPv4 mapped into IPv6', '::ffff:172.19.0.4'],
  ])('not observed, by its address: %s', (_, address) => {
    expect(asks(inApi, to(address, 5432))).toEqual(['api (shop-api-1) -> db (shop-db-1)'])
  })

  test('on each of its networks', () => {
    expect(asks(inApi, to('172.19.0.2', 80))).toEqual(['api (shop-api-1) -> web (shop-web-1)'])
    expect(asks(onHost, to('172.18.0.2', 80))).toEqual(['curl (external) -> web (shop-web-1)'])
  })

  test('a client that is not observed, by its address', () => {
    const from = { server: 2, netns: shop.netns.api, clientAddress: '172.19.0.4', ...to('172.19.0.3', 3000) }
    expect(ends(request(100, 'server', from), response(101, 'server', from))).toEqual([
      'db (shop-db-1) -> api (shop-api-1)',
    ])
  })

  test('a database connection is named when it ends, or after two seconds', () => {
    const given = [...shop.project, shop.apiProcess, connection(100, 'client', { ...inApi, ...to('172.19.0.4', 5432) })]
    expect(names(...given, watermark(2099))).toEqual([])
    expect(names(...given, watermark(2100))).toEqual(['2100 api -> db'])
    const closed = end(150, 'client', { ...inApi, ...to('172.19.0.4', 5432) })
    expect(names(...given, closed)).toEqual(['150 api -> db', '150 api -> db'])
  })
})

describe('a published port', () => {
  test.each([
    ['loopback', '127.0.0.1'],
    ['another of loopback', '127.0.0.53'],
    ['loopback, IPv6', '::1'],
    ["the host's address", '192.168.1.5'],
    ["the host's address, IPv6", '2001:db8:5::5'],
    ['a bridge', '172.17.0.1'],
    ['a bridge, mapped into IPv6', '::ffff:172.18.0.1'],
  ])('from the host, by %s', (_, address) => {
    expect(asks(onHost, to(address, 8080))).toEqual(['curl (external) -> web (shop-web-1)'])
  })

  test('is not every address with that port', () => {
    expect(asks(onHost, to('192.168.1.6', 8080))).toEqual(['curl (external) -> localhost (external)'])
    expect(asks(onHost, to('192.168.1.5', 8081))).toEqual(['curl (external) -> localhost (external)'])
    expect(asks(onHost, to('172.18.0.2', 8080))).toEqual(['curl (external) -> web (shop-web-1)'])
  })

  test('hairpin: a container calls another through the host, and itself', () => {
    expect(asks(inApi, to('192.168.1.5', 8080))).toEqual(['api (shop-api-1) -> web (shop-web-1)'])
    expect(asks(inApi, to('172.19.0.1', 8080))).toEqual(['api (shop-api-1) -> web (shop-web-1)'])
    expect(asks(inWeb, to('192.168.1.5', 8080))).toEqual(['web (shop-web-1) -> web (shop-web-1)'])
  })

  test('through NAT, where both ends are observed: what the server says wins over any look-up', () => {
    // The host leads 8080 to web by the records; the sequence numbers say that it was api.
    const client = { ...onHost, ...to('192.168.1.5', 8080) }
    const server = {
      server: 2,
      client: 9,
      netns: shop.netns.api,
      clientAddress: '172.19.0.1',
      ...to('172.19.0.3', 3000),
      peer: true,
    }
    expect(ends(request(100, 'client', client, 'localhost'), request(101, 'server', server, 'localhost'))).toEqual([
      'curl (external) -> api (shop-api-1)',
    ])
  })

  test("docker-proxy: two connections, the client's to the port and the proxy's to the container", () => {
    const client = { id: 1, ...onHost, clientAddress: '127.0.0.1', ...to('127.0.0.1', 8080) }
    const proxied = { id: 2, server: 1, netns: shop.netns.web, clientAddress: '172.18.0.1', ...to('172.18.0.2', 80) }
    expect(ends(request(100, 'client', client, 'localhost'), response(104, 'client', client))).toEqual([
      'curl (external) -> web (shop-web-1)',
    ])
    expect(ends(request(101, 'server', proxied, 'localhost'), response(103, 'server', proxied))).toEqual([
      '172.18.0.1 (external) -> web (shop-web-1)',
    ])
  })

  test('on loopback only is not reached by another address', () => {
    expect(asks(onHost, to('127.0.0.1', 5432))).toEqual(['curl (external) -> db (shop-db-1)'])
    expect(asks(onHost, to('192.168.1.5', 5432))).toEqual(['curl (external) -> localhost (external)'])
  })

  test("loopback inside a container is its own, not the host's", () => {
    expect(asks({ ...inApi, clientAddress: '127.0.0.1' }, to('127.0.0.1', 8080))).toEqual([
      'api (shop-api-1) -> localhost (external)',
    ])
    expect(asks({ ...inApi, clientAddress: '127.0.0.1' }, to('127.0.0.1', 5432))).toEqual([
      'api (shop-api-1) -> localhost (external)',
    ])
  })

  test('a plain process in a network namespace of its own has its own loopback too', () => {
    expect(asks({ ...onHost, netns: 77 }, to('127.0.0.1', 8080))).toEqual(['curl (external) -> localhost (external)'])
    expect(asks({ ...onHost, netns: 77 }, to('192.168.1.5', 8080))).toEqual(['curl (external) -> web (shop-web-1)'])
  })
})

describe("a container on the host's network", () => {
  test('not observed: by the ports its runtime knows it by', () => {
    expect(asks(onHost, to('127.0.0.1', 6379))).toEqual(['curl (external) -> cache (shop-cache-1)'])
    expect(asks(inApi, to('172.19.0.1', 6379))).toEqual(['api (shop-api-1) -> cache (shop-cache-1)'])
  })

  test('observed: by its process, though the address is the host’s', () => {
    const inside = shop.within(1, 5, 'cache', 'redis-server *:6379')
    const from = { server: 5, netns: shop.hostNetns, clientAddress: '192.168.1.9', ...to('192.168.1.5', 7000) }
    expect(ends(inside, response(100, 'server', from))).toEqual(['192.168.1.9 (external) -> cache (shop-cache-1)'])
    const calls = { client: 5, netns: shop.hostNetns, clientAddress: '127.0.0.1', ...to('127.0.0.1', 8080) }
    expect(ends(inside, response(100, 'client', calls))).toEqual(['cache (shop-cache-1) -> web (shop-web-1)'])
  })
})

test('what is no container is external, and has none', () => {
  const both = { ...inApi, ...to('93.184.216.34', 80) }
  const [traffic] = run(
    ...shop.project,
    shop.apiProcess,
    request(100, 'client', both, 'a.test'),
    response(101, 'client', both),
  )
  expect(traffic?.server).toEqual({
    name: 'a.test',
    type: 'external',
    container: null,
    process: null,
    reason: 'HTTP Host header',
  })
})
