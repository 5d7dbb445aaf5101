import { expect, test } from 'vitest'
import { endings } from '../harness/at-end.js'
import { ComposeProject, type ToldContainer } from '../harness/compose-project.js'
import { startDocker } from '../harness/container-engines.js'
import { type Line, type ServiceMap, Syscribe } from '../harness/syscribe.js'
import { until } from '../harness/until.js'

// The demo of the seed's README as containers of a real Docker, brought up by docker-compose: what the outputs call
// them is what Docker calls them, also when one is stopped and another one takes its address under load.

const profile = `compose-${process.pid}`
const atEnd = endings()

/** Who calls whom, as the seed's README lists it: six edges, one of them with four endpoints. */
const edges = [
  'http-service -> nats-server nats message_bus 4222',
  'request-logger -> nats-server nats message_bus 4222',
  'request-logger -> redis redis cache 6379',
  'traffic-generator -> http-service GET /',
  'traffic-generator -> http-service GET /healthz',
  'traffic-generator -> http-service GET /slow',
  'traffic-generator -> http-service POST /echo',
  'traffic-generator -> postgres postgres database 5432',
  'traffic-generator -> redis redis cache 6379',
]

/** Each once: requests that were never answered, as a server stopped, have an entry of their own. */
function edgesOf(map: ServiceMap): string[] {
  const all = map.services.flatMap(({ name, endpoints, connections }) => [
    ...endpoints.map((to) => `${name} -> ${to.destination} ${to.method} ${to.path}`),
    ...connections.map((to) => `${name} -> ${to.destination} ${to.protocol} ${to.category} ${to.port}`),
  ])
  return [...new Set(all)].sort()
}

function typesOf(map: ServiceMap): unknown[] {
  const all = map.services.flatMap(({ endpoints, connections }) => [...endpoints, ...connections])
  return [...new Set(all.map(({ destination_type }) => destination_type))]
}

/** As the outputs name a container. */
function named({ service, image, container_id, container_name }: ToldContainer) {
  return { service, image, container_id, container_name }
}

const isRequest = (line: Line) => 'method' in line && !('status_code' in line)
const answered = (lines: Line[]) => lines.filter((line) => 'status_code' in line && line.direction === 'recv').length

test('the six edges of the seed with Docker’s own names; then containers come and go under load', {
  timeout: 600_000,
}, async () => {
  const docker = await startDocker()
  atEnd(() => docker.remove())
  const demo = new ComposeProject(docker, profile, '10.231.17.0/24')
  atEnd(() => demo.remove())
  await demo.makeImages()
  const syscribe = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile, CONTAINERD_SOCKET: docker.socket })
  atEnd(() => syscribe.dispose())
  const { outputs } = syscribe
  const state = () => `${demo.state()}\n${syscribe.stderr}`
  const more = async (answers: number) => {
    const before = answered(outputs.lines())
    await until(`${answers} more answers`, () => answered(outputs.lines()) >= before + answers, state)
  }

  await demo.compose('up', '-d')
  await until('every edge in the map', () => edgesOf(outputs.map()).length >= edges.length, state)
  await more(8)
  expect(edgesOf(outputs.map())).toEqual(edges)

  // One of the servers is made anew under its name; the HTTP service is replaced, at its address, by a container that
  // Compose does not know.
  const oldRedis = await demo.containerOf('redis')
  await demo.compose('up', '-d', '--no-deps', '--force-recreate', 'redis')
  const newRedis = await demo.containerOf('redis')
  expect(newRedis.container_id).not.toBe(oldRedis.container_id)
  await more(8)
  const oldService = await demo.containerOf('http-service')
  await demo.compose('stop', 'http-service')
  const stoppedService = demo.told(oldService.container_id)
  docker.cli(
    ...['run', '-d', '--name', 'stand-by', '--network', `${demo.name}_default`, '--network-alias', 'http-service'],
    ...['--ip', oldService.address, '-e', `ADI_PROFILE=${profile}`, '-e', 'NATS_URL=nats://nats-server:4222'],
    ...['-e', 'HTTP_HOST=0.0.0.0', '-e', 'HTTP_PORT=8080', oldService.image],
  )
  const standBy = demo.told('stand-by')
  expect(standBy.address).toBe(oldService.address)
  // Not by counting answers: the files may yet lag behind what the old service answered.
  const takenOver = edges
    .filter((edge) => edge.includes('http-service'))
    .map((edge) => edge.replace('http-service', 'stand-by'))
  const shown = () => edgesOf(outputs.map()).filter((edge) => edge.includes('stand-by')).length
  await until('every edge of the stand-by in the map', () => shown() >= takenOver.length, state)
  const others = {
    generator: await demo.containerOf('traffic-generator'),
    logger: await demo.containerOf('request-logger'),
    postgres: await demo.containerOf('postgres'),
    nats: await demo.containerOf('nats-server'),
  }
  await demo.compose('stop', 'traffic-generator')
  const calls = demo.calls()
  await demo.compose('stop')
  docker.cli('stop', 'stand-by')
  expect(await syscribe.stop(), syscribe.stderr).toBe(0)

  // The map: what the seed shows, and the same again for the container that took over.
  const map = outputs.map()
  expect(edgesOf(map)).toEqual([...edges, ...takenOver].sort())
  expect(typesOf(map)).toEqual(['container'])
  const images = map.services.map(({ name, image }) => [name, image])
  expect(images).toEqual([
    ['http-service', oldService.image],
    ['request-logger', others.logger.image],
    ['stand-by', standBy.image],
    ['traffic-generator', others.generator.image],
  ])
  const endpoints = map.services.find(({ name }) => name === 'traffic-generator')?.endpoints ?? []
  for (const [call, count] of Object.entries(calls)) {
    const same = endpoints.filter(({ method, path }) => `${method} ${path}` === call)
    const total = same.reduce((sum, entry) => sum + Number(entry.count) - Number(entry.unanswered ?? 0), 0)
    expect(total, call).toBe(count)
  }

  // The lines: both ends of each by id, name, image and service, as Docker tells them.
  const lines = outputs.lines()
  const requests = lines.filter((line) => isRequest(line) && line.direction === 'send')
  expect(requests.length).toBeGreaterThan(24)
  const opened = new Map<unknown, string>()
  for (const { connection_id, timestamp } of lines) {
    const first = opened.get(connection_id)
    if (first === undefined || String(timestamp) < first) opened.set(connection_id, String(timestamp))
  }
  const serverOf = ({ connection_id }: Line) =>
    (opened.get(connection_id) as string) < stoppedService.finishedAt ? oldService : standBy
  for (const line of requests) {
    const server = serverOf(line)
    expect(line).toMatchObject({
      source_container: named(others.generator),
      destination_container: named(server),
      destination_type: 'container',
      dest_ip: oldService.address,
      source_service: 'traffic-generator',
      destination_service: server.service ?? 'stand-by',
    })
  }
  for (const line of lines.filter((line) => 'status_code' in line)) {
    const server = serverOf(line)
    expect(line).toMatchObject({
      source_container: named(server),
      destination_container: named(others.generator),
      destination_type: 'container',
    })
  }
  const connections = lines.filter(({ event_type }) => event_type === 'connection')
  const ends = connections.map(({ source_container: source, destination_container: destination, protocol }) =>
    JSON.stringify([source, destination, protocol]),
  )
  const wanted: [ToldContainer, ToldContainer, string][] = [
    [others.generator, others.postgres, 'postgres'],
    [others.generator, oldRedis, 'redis'],
    [others.generator, newRedis, 'redis'],
    [others.logger, oldRedis, 'redis'],
    [others.logger, newRedis, 'redis'],
    [others.logger, others.nats, 'nats'],
    [oldService, others.nats, 'nats'],
    [standBy, others.nats, 'nats'],
  ]
  expect([...new Set(ends)].sort()).toEqual(
    wanted
      .map(([source, destination, protocol]) => JSON.stringify([named(source), named(destination), protocol]))
      .sort(),
  )

  // The environments: of the four that opted in, and of no server.
  const documents = outputs.documents()
  expect(documents.map((document) => (document.adi_profile_name as string) ?? null).sort()).toEqual(
    ['http-service', 'request-logger', 'traffic-generator', null].sort(),
  )
})
