import { afterAll, beforeAll, expect, test } from 'vitest'
import { endings } from '../harness/at-end.js'
import { node, run, startServer as startProgram } from '../harness/program.js'
import { type Line, Syscribe } from '../harness/syscribe.js'
import { start as startFerretdb } from '../servers/ferretdb.js'
import { start as startKafka } from '../servers/kafka.js'
import { start as startMariadb } from '../servers/mariadb.js'
import { start as startMemcached } from '../servers/memcached.js'
import { start as startMssql } from '../servers/mssql.js'
import { start as startNats } from '../servers/nats.js'
import { start as startPostgres } from '../servers/postgres.js'
import { start as startRabbitmq } from '../servers/rabbitmq.js'
import { start as startRedis } from '../servers/redis.js'
import type { RunningServer } from '../servers/running-server.js'
import { findProgram } from '../servers/surroundings.js'

// Real servers and their usual clients, none of them on its own port: what a client depends on is told by what they say.

const profile = `protocols-${process.pid}`
const atEnd = endings()
let syscribe: Syscribe
const expected: { protocol: string; category: string; port: number }[] = []

beforeAll(async () => {
  syscribe = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile })
}, 60_000)
afterAll(() => syscribe?.dispose())

const env = (name: string) => ({ ADI_PROFILE: profile, ADI_PROFILE_NAME: name })

const servers: [string, string, string, () => Promise<RunningServer>][] = [
  ['postgres', 'postgres', 'database', startPostgres],
  ['mysql', 'mysql', 'database', startMariadb],
  ['redis', 'redis', 'cache', startRedis],
  ['memcached', 'memcached', 'cache', startMemcached],
  ['amqp', 'amqp', 'message_bus', startRabbitmq],
  ['nats', 'nats', 'message_bus', startNats],
  ['kafka', 'kafka', 'message_bus', startKafka],
  ['mongodb', 'mongodb', 'database', startFerretdb],
  ['mssql', 'mssql', 'database', startMssql],
]

test.each(servers)('%s: its client gets its answer', { timeout: 900_000 }, async (kind, protocol, category, start) => {
  const server = await start()
  atEnd(server.stop)
  const { stdout } = await run({ ...node('store-client.mjs', kind, `${server.port}`), env: env(`${kind}-client`) })
  expect(stdout.trim()).toBe('42')
  expected.push({ protocol, category, port: server.port })
})

test('a profiled server, whose client is not', { timeout: 60_000 }, async () => {
  const redis = findProgram(['redis-server'], 'apt-get install redis-server')
  const server = await startProgram((port) => ({
    command: 'sh',
    args: [
      '-c',
      '"$0" --bind 127.0.0.1 --port "$1" --save "" & until redis-cli -p "$1" ping; do sleep 0.05; done >/dev/null 2>&1; echo listening; wait',
      redis,
      `${port}`,
    ],
    env: env('profiled-redis'),
  }))
  atEnd(server.stop)
  expect((await run(node('store-client.mjs', 'redis', `${server.port}`))).stdout.trim()).toBe('42')
  expected.push({ protocol: 'redis', category: 'cache', port: server.port })
})

test('every connection is told by its payload, and the map has them', { timeout: 60_000 }, async () => {
  expect(await syscribe.stop(), syscribe.stderr).toBe(0)
  const lines = syscribe.outputs.lines()
  expect(lines.filter(({ event_type }) => event_type !== 'connection')).toEqual([])
  expect(expected.length).toBe(servers.length + 1)
  for (const { protocol, category, port } of expected) {
    const found = lines.filter(({ dest_port }) => dest_port === port)
    expect(found.length, protocol).toBeGreaterThan(0)
    for (const line of found)
      expect(brief(line)).toEqual({ protocol, category, confidence: 90, source_ip: '127.0.0.1', dest_ip: '127.0.0.1' })
    for (const { detection_reason } of found) expect(String(detection_reason).length).toBeGreaterThan(10)
  }
  // Nothing else was connected to.
  const ports = new Set(expected.map(({ port }) => port))
  expect(lines.filter(({ dest_port }) => !ports.has(Number(dest_port)))).toEqual([])

  const profiledServer = expected.at(-1)?.port
  const received = lines.filter(({ direction }) => direction === 'recv')
  expect(received.length).toBeGreaterThan(0)
  expect(
    new Set(received.map(({ dest_port, destination_service }) => [dest_port, destination_service].join())),
  ).toEqual(new Set([`${profiledServer},profiled-redis`]))
  // The map is of those who call: the profiled server calls nobody.
  const { services } = syscribe.outputs.map()
  const entries = services.flatMap(({ name, connections }) =>
    connections.map(({ destination, destination_type, protocol, category, confidence, port }) => ({
      name,
      destination,
      destination_type,
      protocol,
      category,
      confidence,
      port,
    })),
  )
  const wanted = servers.map(([kind, protocol, category], index) => ({
    name: `${kind}-client`,
    destination: '127.0.0.1',
    destination_type: 'external',
    protocol,
    category,
    confidence: 90,
    port: expected[index]?.port,
  }))
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)
  expect(entries.filter(({ name }) => name !== 'profiled-redis').sort(byName)).toEqual(wanted.sort(byName))
})

function brief({ protocol, category, confidence, source_ip, dest_ip }: Line) {
  return { protocol, category, confidence, source_ip, dest_ip }
}
