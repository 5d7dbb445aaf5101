import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { endings } from '../harness/at-end.js'
import type { ContainerEngine } from '../harness/container-engine.js'
import { observeEngine } from '../harness/observed-engine.js'
import { startRootlessDocker, startRootlessNerdctl, startRootlessPodman } from '../harness/rootless-engines.js'
import type { Line } from '../harness/syscribe.js'
import { until } from '../harness/until.js'
import { buildNerdctl } from '../servers/nerdctl.js'

// An engine of a user who is not root: its containers have a network below another, which only its port forwarder leads into.

const profile = `rootless-${process.pid}`
const atEnd = endings()

// Takes minutes, once.
beforeAll(() => buildNerdctl().then(() => {}), 900_000)

const server = `
import { createServer } from 'node:http'
createServer((request, response) => response.end(request.url)).listen(80, '0.0.0.0')
`
const client = `
import { get } from 'node:http'
for (const url of process.argv.slice(2)) {
  await new Promise((done, failed) => {
    get(url, { agent: false }, (response) => response.resume().on('end', done)).on('error', failed)
  })
}
// Without a cgroup, a container is known by its addresses: it must live until the engine is asked for them.
setTimeout(() => {}, 1000)
`

const isRequest = (line: Line) => line.event_type === undefined && !('status_code' in line)
const nameOf = (container: unknown) => (container as { container_name: string } | null)?.container_name ?? null

const engines: [string, () => Promise<ContainerEngine>, network: string[], address: string][] = [
  ['Docker', startRootlessDocker, [], '.NetworkSettings.IPAddress'],
  ['nerdctl', startRootlessNerdctl, [], '.NetworkSettings.IPAddress'],
  ['Podman', startRootlessPodman, ['--network', 'own'], '.NetworkSettings.Networks.own.IPAddress'],
]

test.each(engines)(
  'rootless %s: each end is the container it is',
  { timeout: 300_000 },
  async (_, start, network, address) => {
    const image = { name: 'docker.io/library/ports:1', programs: { 'server.mjs': server, 'client.mjs': client } }
    const { engine, syscribe, root } = await observeEngine(atEnd, start, image, profile)

    const node = ['ports:1', process.execPath]
    const profiled = ['-e', `ADI_PROFILE=${profile}`]
    const run = (...args: string[]) => engine.cli('run', ...network, ...args)
    const service = ['--label', 'com.docker.compose.service=shop']
    run('-d', '--name', 'web', '-p', '8080:80', ...profiled, ...service, ...node, '/server.mjs')
    run('-d', '--name', 'plain', '-p', '9090:80', ...node, '/server.mjs')
    const addressOf = (name: string) => engine.cli('inspect', '-f', `{{${address}}}`, name)
    const [web, plain] = [addressOf('web'), addressOf('plain')]
    for (const to of ['127.0.0.1:8080', '127.0.0.1:9090']) {
      await until(`${to} answers`, () => engine.host.run('curl', '-sf', `http://${to}/`) !== '')
    }
    const call = ['http://127.0.0.1:8080/published', 'http://127.0.0.1:9090/proxied']
    engine.host.run('env', `ADI_PROFILE=${profile}`, process.execPath, join(root, 'client.mjs'), ...call)
    const calls = [`http://${web}:80/neighbour`, `http://${plain}:80/plain`]
    run('--rm', '--name', 'caller', ...profiled, ...node, '/client.mjs', ...calls)
    // Four are sent, two of them to a process that is observed.
    const said = () => syscribe.outputs.lines().filter((line) => isRequest(line) && line.url !== '/')
    await until('all calls are in the log', () => said().length >= 6)
    expect(await syscribe.stop(), syscribe.stderr).toBe(0)

    const requests = said()
    const sent = requests.filter(({ direction }) => direction === 'send')
    const ends = sent.map((line) => [
      line.url,
      nameOf(line.source_container),
      nameOf(line.destination_container),
      line.destination_service,
    ])
    expect(ends).toEqual([
      ['/published', null, 'web', 'shop'],
      ['/proxied', null, 'plain', 'plain'],
      ['/neighbour', 'caller', 'web', 'shop'],
      ['/plain', 'caller', 'plain', 'plain'],
    ])
    const byUrl = (a: Line, b: Line) => (`${a.url}` < `${b.url}` ? -1 : 1)
    const received = requests.filter(({ direction }) => direction === 'recv').sort(byUrl)
    expect(received.map(({ url, destination_container }) => [url, nameOf(destination_container)])).toEqual([
      ['/neighbour', 'web'],
      ['/published', 'web'],
    ])
    const [neighbour] = sent.filter(({ url }) => url === '/neighbour')
    expect(received[0]?.connection_id).toBe(neighbour?.connection_id)
    expect(nameOf(received[0]?.source_container)).toBe('caller')

    await engine.remove()
    expect(
      readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && commandOf(entry).includes(engine.socket)),
    ).toEqual([])
  },
)

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return '' // it has ended
  }
}
