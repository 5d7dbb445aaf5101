import { join } from 'node:path'
import { expect, test } from 'vitest'
import { endings } from '../harness/at-end.js'
import { type ContainerEngine, startDocker, startPodman } from '../harness/container-engines.js'
import { observeEngine } from '../harness/observed-engine.js'
import type { Line } from '../harness/syscribe.js'
import { until } from '../harness/until.js'

// A network of containers with IPv6 addresses, besides the IPv4 ones.

const profile = `ipv6-${process.pid}`
const atEnd = endings()

const server = `
import { createServer } from 'node:http'
createServer((request, response) => response.end(request.url)).listen(80, '::')
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

const engines: [string, () => Promise<ContainerEngine>][] = [
  ['Docker', startDocker],
  ['Podman', startPodman],
]

test.each(engines)('%s: each end is the container it is over IPv6', { timeout: 300_000 }, async (_, start) => {
  const image = { name: 'six:1', programs: { 'server.mjs': server, 'client.mjs': client } }
  const { engine, syscribe, root } = await observeEngine(atEnd, start, image, profile)

  engine.cli('network', 'create', '--ipv6', '--subnet', 'fd4b:9c2e:77::/64', 'six')
  const node = ['six:1', process.execPath]
  const profiled = ['--network', 'six', '-e', `ADI_PROFILE=${profile}`]
  engine.cli('run', '-d', '--name', 'web', ...profiled, ...node, '/server.mjs')
  engine.cli('run', '-d', '--name', 'plain', '--network', 'six', ...node, '/server.mjs')
  const addressOf = (name: string) =>
    engine.cli('inspect', '-f', '{{(index .NetworkSettings.Networks "six").GlobalIPv6Address}}', name)
  const [web, plain] = [addressOf('web'), addressOf('plain')]
  for (const to of [web, plain]) {
    await until(
      `${to} answers`,
      () => engine.host.run('curl', '-sfg', '--connect-timeout', '1', `http://[${to}]/`) !== '',
    )
  }
  const call = [`http://[${web}]/direct`, `http://[${plain}]/straight`]
  engine.host.run('env', `ADI_PROFILE=${profile}`, process.execPath, join(root, 'client.mjs'), ...call)
  const calls = [`http://[${web}]/neighbour`, `http://[${plain}]/plain`]
  engine.cli('run', '--rm', '--name', 'caller', ...profiled, ...node, '/client.mjs', ...calls)
  expect(await syscribe.stop(), syscribe.stderr).toBe(0)

  const requests = syscribe.outputs.lines().filter((line) => isRequest(line) && line.url !== '/')
  const ends = requests.map((line) => [
    line.direction,
    line.url,
    nameOf(line.source_container),
    nameOf(line.destination_container),
    line.dest_ip,
  ])
  expect(ends.sort()).toEqual(
    [
      ['recv', '/direct', null, 'web', web],
      ['recv', '/neighbour', 'caller', 'web', web],
      ['send', '/direct', null, 'web', web],
      ['send', '/neighbour', 'caller', 'web', web],
      ['send', '/plain', 'caller', 'plain', plain],
      ['send', '/straight', null, 'plain', plain],
    ].sort(),
  )
  const ids = new Set(requests.filter(({ url }) => url === '/neighbour').map((line) => line.connection_id))
  expect(ids.size).toBe(1)
})
