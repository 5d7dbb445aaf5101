import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { endings } from '../harness/at-end.js'
import { startContainerd } from '../harness/container-engines.js'
import { fillImageFolder } from '../harness/image-folder.js'
import { type PodDescription, Pods } from '../harness/pods.js'
import { type Line, Outputs, Syscribe } from '../harness/syscribe.js'
import { until } from '../harness/until.js'

// A node of Kubernetes without its kubelet: pods are made by containerd's own CRI plugin, on a network of CNI's plugins.

const profile = `pods-${process.pid}`
const image = 'docker.io/library/pods:1'
const atEnd = endings()

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
setInterval(() => {}, 1000)
`

const isRequest = (line: Line) => line.event_type === undefined && !('status_code' in line)

test('both ends are named by their pods, through pod addresses and ports of the host', {
  timeout: 300_000,
}, async () => {
  const root = mkdtempSync(join(tmpdir(), 'syscribe-image-'))
  atEnd(() => rmSync(root, { recursive: true }))
  fillImageFolder(root, [process.execPath])
  writeFileSync(join(root, 'server.mjs'), server)
  writeFileSync(join(root, 'client.mjs'), client)
  const engine = await startContainerd({ namespace: 'k8s.io', sandboxImage: image })
  atEnd(() => engine.remove())
  const forEver = ['-e', 'setInterval(() => {}, 1000)']
  engine.importImage(image, root, [process.execPath, ...forEver])
  const pods = new Pods(engine.socket)
  atEnd(() => pods.close())
  await until('the image is known', () => pods.knows(image))
  const env = { ADI_PROFILE_ALLOWED: profile, CONTAINERD_SOCKET: engine.socket, CONTAINERD_NAMESPACE: 'k8s.io' }
  const syscribe = await Syscribe.start(env, new Outputs(), engine.host)
  atEnd(() => syscribe.dispose())
  const run = async (
    name: string,
    container: string,
    script: string[],
    more: Partial<PodDescription> = {},
    env = {},
  ) => {
    const command = [process.execPath, ...script]
    const pod = await pods.run({
      name,
      namespace: 'shop',
      container: { name: container, image, command, env },
      ...more,
    })
    return { ...pod, line: lineOf(name, container, pod.containerId) }
  }
  const lineOf = (pod: string, container: string, container_id: string) => ({
    service: null,
    image,
    container_id,
    container_name: `shop/${pod}/${container}`,
    pod,
    namespace: 'shop',
    workload: pod.replace(/-(?:[^-]+-[^-]{5}|\d+)$/, ''),
  })
  const profiled = { ADI_PROFILE: profile }
  const serve = ['/server.mjs']
  const reviews = await run('reviews-v1-5b9cbf6d4c-x2v7k', 'app', serve, {}, profiled)
  const ratings = await run('ratings-0', 'app', serve, { hostPorts: [{ hostPort: 9080, containerPort: 80 }] })
  for (const pod of [reviews, ratings]) {
    await until(`${pod.address} answers`, () => engine.host.run('curl', '-sf', `http://${pod.address}/`) !== '')
  }
  const urls = [`http://${reviews.address}/pod`, `http://${ratings.address}/plain`, 'http://10.244.7.1:9080/host-port']
  const page = await run('productpage-84b7d6c5f8-m9n4z', 'page', ['/client.mjs', ...urls], {}, profiled)
  const sent = () => syscribe.outputs.lines().filter((line) => isRequest(line) && line.direction === 'send')
  await until('all calls are in the log', () => sent().length === urls.length)
  expect(await syscribe.stop(), syscribe.stderr).toBe(0)

  expect(sent()).toMatchObject([
    { url: '/pod', source_container: page.line, destination_container: reviews.line, destination_type: 'container' },
    { url: '/plain', source_container: page.line, destination_container: ratings.line, destination_type: 'container' },
    { url: '/host-port', source_container: page.line, destination_container: ratings.line },
  ])
  expect(sent().map((line) => line.destination_service)).toEqual(['reviews-v1', 'ratings', 'ratings'])
  const received = syscribe.outputs
    .lines()
    .filter((line) => isRequest(line) && line.direction === 'recv' && line.url === '/pod')
  expect(received).toMatchObject([{ source_container: page.line, destination_container: reviews.line }])
  expect(received[0]?.connection_id).toBe(sent()[0]?.connection_id)
  expect(syscribe.outputs.map().services.map(({ name }) => name)).toEqual(['productpage'])

  for (const pod of [page, ratings, reviews]) await pods.remove(pod)
})
