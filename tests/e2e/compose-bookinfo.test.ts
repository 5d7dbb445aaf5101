import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { endings } from '../harness/at-end.js'
import { startDocker } from '../harness/container-engines.js'
import { fillImageFolder } from '../harness/image-folder.js'
import { run } from '../harness/program.js'
import { type Line, Syscribe } from '../harness/syscribe.js'
import { until } from '../harness/until.js'

// docs/bookinfo.md says what is seen of Bookinfo under compose. Here is a project of its shape.

const atEnd = endings()
const image = 'bookinfo-like:1'
// Of this run alone; what the page calls `local` and `dev`.
const [local, dev] = [`local-${process.pid}`, `dev-${process.pid}`]

/** Answers JSON; calls first what its variables name, each on a connection of its own. */
const server = `
  const http = require('node:http')
  const get = (host, path) => new Promise((resolve, reject) => {
    http.get({ host, port: 9080, path, agent: false }, (answer) => answer.resume().on('end', resolve)).on('error', reject)
  })
  http.createServer(async (request, response) => {
    const { DETAILS_HOSTNAME: details, REVIEWS_HOSTNAME: reviews } = process.env
    try {
      if (request.url === '/productpage') {
        await get(details, '/details/0')
        await get(reviews, '/reviews/0')
      }
    } catch {
      response.statusCode = 503 // One that it calls is not up yet.
    }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(request.url === '/health' ? { status: 'ok' } : { id: 0 }))
  }).listen(9080, '::')
  process.on('SIGTERM', () => process.exit(0))`
const check = `require('node:http').get('http://localhost:9080/health', (answer) => answer.resume())`
const generator = `
  const http = require('node:http')
  setInterval(() => http.get('http://productpage:9080/productpage', (answer) => answer.resume()).on('error', () => {}), 300)
  process.on('SIGTERM', () => process.exit(0))`

const environments = {
  productpage: { ADI_PROFILE: local, DETAILS_HOSTNAME: 'details', REVIEWS_HOSTNAME: 'reviews' },
  details: { ADI_PROFILE: local, THIS: 'that' },
  reviews: { ADI_PROFILE: dev, RATINGS_HOSTNAME: 'ratings' },
  ratings: { ADI_PROFILE: local, MONGO_HOST: 'mongodb', MONGO_PORT: '27017' },
}
const services = Object.keys(environments)

function composeFile(): string {
  const node = (script: string) => [process.execPath, '-e', script.replaceAll('$', '$$$$')]
  const servers = Object.entries(environments).map(([name, environment], index) => [
    name,
    {
      image,
      container_name: name,
      ports: [`${9080 + index}:9080`],
      environment: { ...environment, ADI_PROFILE_NAME: name },
      command: node(server),
      networks: ['bookinfo'],
      healthcheck: { test: ['CMD', ...node(check)], interval: '2s' },
    },
  ])
  const traffic = {
    image,
    container_name: 'traffic-generator',
    environment: { ADI_PROFILE_NAME: 'traffic-generator' },
    command: node(generator),
    networks: ['bookinfo'],
  }
  return JSON.stringify({
    version: '3',
    services: { ...Object.fromEntries(servers), 'traffic-generator': traffic },
    networks: { bookinfo: { driver: 'bridge' } },
  })
}

test('a project of the shape of Bookinfo is seen as its page says', { timeout: 400_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-bookinfo-'))
  atEnd(() => rmSync(folder, { recursive: true, force: true }))
  const docker = await startDocker()
  atEnd(() => docker.remove())
  const root = join(folder, 'root')
  mkdirSync(root)
  fillImageFolder(root, [process.execPath])
  docker.importImage(image, root)
  writeFileSync(join(folder, 'docker-compose.yaml'), composeFile())
  const compose = (...args: string[]) =>
    run({ command: 'docker-compose', args, cwd: folder, env: { DOCKER_HOST: `unix://${docker.socket}` } })
  const syscribe = await Syscribe.start({
    ADI_PROFILE_ALLOWED: `${local},${dev}`,
    ENV_PREFIX_LIST: 'REVIEWS_,RATINGS_,MONGO_,DETAILS_',
    CONTAINERD_SOCKET: docker.socket,
  })
  atEnd(() => syscribe.dispose())
  const { outputs } = syscribe
  await compose('up', '-d')
  const pages = (line: Line) => line.url === '/productpage' && line.direction === 'recv'
  const healthy = () =>
    new Set(
      outputs
        .lines()
        .flatMap(({ url, dest_ip: to, direction, source_service: by }) =>
          url === '/health' && direction === 'send' && to === '127.0.0.1' ? [by] : [],
        ),
    )
  await until(
    'traffic and a health check of each',
    () => outputs.lines().filter(pages).length > 3 && healthy().size === 4,
  )
  await compose('stop')
  expect(await syscribe.stop(), syscribe.stderr).toBe(0)

  const calls = outputs
    .map()
    .services.map(({ name, image: of, endpoints, connections }) => [
      name,
      of,
      [...new Set(endpoints.map((to) => `${to.method} ${to.path} of ${to.destination}, ${to.destination_type}`))],
      connections,
    ])
  const own = (name: string) => `GET /health of ${name}, container`
  expect(calls).toEqual([
    ['details', image, [own('details')], []],
    [
      'productpage',
      image,
      ['GET /details/0 of details, container', own('productpage'), 'GET /reviews/0 of reviews, container'],
      [],
    ],
    ['ratings', image, [own('ratings')], []],
    ['reviews', image, [own('reviews')], []],
  ])
  for (const line of outputs.lines().filter(pages)) {
    expect(line).toMatchObject({
      source_container: { service: 'traffic-generator', container_name: 'traffic-generator', image },
      destination_container: { service: 'productpage', container_name: 'productpage', image },
      destination_type: 'container',
    })
  }
  expect(outputs.lines().filter(({ cmdline }) => cmdline.includes('setInterval'))).toEqual([])

  const documents = outputs.documents()
  const shown = (name: string) =>
    documents.flatMap((document) => (document.adi_profile_name === name ? [document.adi_profile_env] : []))
  for (const name of services) expect(shown(name).length, name).toBeGreaterThan(1)
  const only = (name: string) => new Set(shown(name).map((env) => JSON.stringify(env)))
  expect(only('details')).toEqual(new Set(['{}']))
  expect(only('productpage')).toEqual(new Set(['{"DETAILS_HOSTNAME":"details","REVIEWS_HOSTNAME":"reviews"}']))
  expect(only('reviews')).toEqual(new Set(['{"RATINGS_HOSTNAME":"ratings"}']))
  expect(only('ratings')).toEqual(new Set(['{"MONGO_HOST":"mongodb","MONGO_PORT":"27017"}']))
  expect(shown('traffic-generator')).toEqual([])
})
