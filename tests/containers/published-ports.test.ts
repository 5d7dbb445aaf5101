import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { endings } from '../harness/at-end.js'
import { type ContainerEngine, startDocker, startNerdctl, startPodman } from '../harness/container-engines.js'
import { observeEngine } from '../harness/observed-engine.js'
import type { Line } from '../harness/syscribe.js'
import { until } from '../harness/until.js'
import { buildNerdctl } from '../servers/nerdctl.js'

// Ways through a real engine's network to a container: whatever address a client uses, the container is what answered.

const profile = `ports-${process.pid}`
const atEnd = endings()

// Takes minutes, once.
beforeAll(() => buildNerdctl().then(() => {}), 900_000)

const server = `
import { createServer } from 'node:http'
createServer((request, response) => response.end(request.url)).listen(Number(process.env.PORT), '0.0.0.0')
`
const client = `
import { get } from 'node:http'
for (const url of process.argv.slice(2)) {
  await new Promise((done, failed) => {
    get(url, { agent: false }, (response) => response.resume().on('end', done)).on('error', failed)
  })
}
`

const isRequest = (line: Line) => line.event_type === undefined && !('status_code' in line)
const nameOf = (container: unknown) => (container as { container_name: string } | null)?.container_name ?? null

/** Which calls stay one connection on their way: the packet filter translates addresses, docker-proxy makes two of it. */
const ways: [way: string, start: () => Promise<ContainerEngine>, one: string[], two: string[]][] = [
  ['Docker with docker-proxy', startDocker, ['bridge', 'direct', 'upstairs', 'up'], ['loopback', 'hairpin']],
  [
    'Docker with NAT only',
    () => startDocker({ args: ['--userland-proxy=false'] }),
    ['loopback', 'bridge', 'direct', 'hairpin', 'upstairs', 'up'],
    [],
  ],
  ['nerdctl', startNerdctl, ['loopback', 'bridge', 'direct', 'hairpin', 'upstairs', 'up'], []],
  ['Podman', startPodman, ['loopback', 'bridge', 'direct', 'hairpin', 'upstairs', 'up'], []],
]

test.each(ways)('%s: each end is the container it is', { timeout: 300_000 }, async (_, start, one, two) => {
  const image = { name: 'ports:1', programs: { 'server.mjs': server, 'client.mjs': client } }
  const { engine, syscribe, root } = await observeEngine(atEnd, start, image, profile)

  const node = ['ports:1', process.execPath]
  const profiled = ['-e', `ADI_PROFILE=${profile}`]
  const serve = (name: string, port: number, ...options: string[]) =>
    engine.cli('run', '-d', '--name', name, '-e', `PORT=${port}`, ...options, ...node, '/server.mjs')
  serve('web', 80, '-p', '8080:80', ...profiled)
  serve('plain', 80, '-p', '9090:80')
  serve('upstairs', 7070, '--network', 'host', ...profiled)
  serve('basement', 6060, '--network', 'host')
  const addressOf = (name: string) => engine.cli('inspect', '-f', '{{.NetworkSettings.IPAddress}}', name)
  const [web, plain] = [addressOf('web'), addressOf('plain')]
  const bridge = JSON.parse(engine.host.run('ip', '-j', 'route', 'get', web as string))[0].prefsrc
  const call = (...urls: string[]) => {
    const args = [process.execPath, join(root, 'client.mjs'), ...urls.map((url) => `http://${url}`)]
    engine.host.run('env', `ADI_PROFILE=${profile}`, ...args)
  }
  for (const to of [`${web}:80`, `${plain}:80`, '127.0.0.1:7070']) {
    await until(`${to} answers`, () => engine.host.run('curl', '-sf', `http://${to}/`) !== '')
  }

  // No runtime tells when a program begins to listen on the host's network: the collector finds out.
  await until('the port of the basement is known', () => {
    call('127.0.0.1:6060/warm')
    return syscribe.outputs.lines().some((line) => nameOf(line.destination_container) === 'basement')
  })

  call('127.0.0.1:6060/basement', '127.0.0.1:8080/loopback', `${bridge}:8080/bridge`, `${web}:80/direct`)
  call('127.0.0.1:9090/proxied', `${bridge}:9090/led`, `${plain}:80/straight`, '127.0.0.1:7070/upstairs')
  const urls = [
    `${bridge}:8080/hairpin`,
    `${bridge}:9090/around`,
    `${plain}:80/neighbour`,
    `${bridge}:7070/up`,
    `${bridge}:6060/down`,
  ]
  engine.cli(
    'run',
    '--rm',
    '--name',
    'caller',
    ...profiled,
    ...node,
    '/client.mjs',
    ...urls.map((url) => `http://${url}`),
  )
  expect(await syscribe.stop(), syscribe.stderr).toBe(0)

  const requests = syscribe.outputs.lines().filter((line) => isRequest(line))
  const sent = requests.filter(({ direction, url }) => direction === 'send' && url !== '/warm')
  const ends = sent.map((line) => [
    line.url,
    nameOf(line.source_container),
    nameOf(line.destination_container),
    line.destination_type,
    line.destination_service,
  ])
  expect(ends.sort()).toEqual(
    [
      ...[
        ['/loopback', null, 'web'],
        ['/bridge', null, 'web'],
        ['/direct', null, 'web'],
      ],
      ...[
        ['/proxied', null, 'plain'],
        ['/led', null, 'plain'],
        ['/straight', null, 'plain'],
      ],
      ['/upstairs', null, 'upstairs'],
      ['/basement', null, 'basement'],
      ['/down', 'caller', 'basement'],
      ...[
        ['/hairpin', 'caller', 'web'],
        ['/around', 'caller', 'plain'],
        ['/neighbour', 'caller', 'plain'],
      ],
      ['/up', 'caller', 'upstairs'],
    ]
      .map((line) => [...line, 'container', line[2]])
      .sort(),
  )
  const received = new Map(requests.filter(({ direction }) => direction === 'recv').map((line) => [line.url, line]))
  for (const line of sent) {
    const other = received.get(line.url)
    const call = `${line.url}`.slice(1)
    if (one.includes(call)) {
      expect(other?.connection_id, call).toBe(line.connection_id)
      expect(other?.source_container, call).toEqual(line.source_container)
      expect(other?.destination_container, call).toEqual(line.destination_container)
    } else if (two.includes(call)) {
      expect(other?.connection_id, call).not.toBe(line.connection_id)
      expect(other, call).toMatchObject({ source_container: null, destination_container: { container_name: 'web' } })
    } else expect(other, call).toBeUndefined()
    if (other !== undefined)
      expect(other, call).toMatchObject({ comm: 'node', cmdline: `${process.execPath} /server.mjs` })
  }
})
