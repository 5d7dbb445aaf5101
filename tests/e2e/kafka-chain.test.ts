import { readFileSync } from 'node:fs'
import { testBroker } from '@syscribe/test-broker'
import { expect, test } from 'vitest'
import { brokerForAll } from '../harness/broker.js'
import { caughtUp } from '../harness/cluster.js'
import { differences, noDifferences, withoutTimes } from '../harness/same-content.js'
import type { Line } from '../harness/syscribe.js'
import { TestBed } from '../harness/test-bed.js'
import { until } from '../harness/until.js'

// Every part its own process on real brokers, against real traffic and against `syscribe run` that watches the same.

const bed = new TestBed('kafka')
const broker = brokerForAll(testBroker)

const processors = ['http-parser', 'protocol-classifier', 'env-reader', 'container-enricher']
const projections = ['http-log', 'env-yaml', 'service-map']

/** The lines of one connection, in their order, of one program. */
function byConnection(lines: readonly Line[]): Map<string, unknown[]> {
  const found = new Map<string, unknown[]>()
  for (const { connection_id, pid, exchange, status_code, url } of lines) {
    const key = `${connection_id} ${pid}`
    found.set(key, [...(found.get(key) ?? []), [exchange, status_code, url]])
  }
  return found
}

test('parts of their own write what syscribe run writes, and what the client counted', {
  timeout: 600_000,
}, async () => {
  const cluster = bed.outputs()
  const embedded = bed.outputs()
  const env = bed.onCluster(broker(), cluster)
  const parts = await Promise.all([
    ...processors.map((name) => bed.start(['process', name], env)),
    ...projections.map((name) => bed.start(['project', name], env)),
  ])
  const collector = await bed.start(['collect'], env)
  const whole = await bed.run({}, embedded)

  const echo = await bed.echo()
  expect(await bed.client(echo.port, 60)).toBe(60)
  expect(await bed.client(echo.port, 40)).toBe(40)
  await echo.stop()
  expect(await whole.stop(), whole.stderr).toBe(0)
  expect(await collector.stop(), collector.stderr).toBe(0)
  const status = await caughtUp(env, [...processors, ...projections], parts)
  for (const part of parts) expect(await part.stop(), part.stderr).toBe(0)

  const lines = cluster.lines().filter((line) => line.event_type === undefined)
  expect(lines).toHaveLength(400)
  expect(differences(cluster.lines(), embedded.lines())).toEqual(noDifferences)
  expect(byConnection(cluster.lines())).toEqual(byConnection(embedded.lines()))
  expect(withoutTimes(cluster.map())).toEqual(withoutTimes(embedded.map()))
  const byPid = (documents: Record<string, unknown>[]) => documents.sort((a, b) => Number(a.pid) - Number(b.pid))
  expect(withoutTimes(byPid(cluster.documents()))).toEqual(withoutTimes(byPid(embedded.documents())))
  expect(status.hosts).toEqual([expect.objectContaining({ ended: true, spoolBytes: 0, lost: {} })])
  expect(status.parts.map(({ errors }) => errors)).toEqual(status.parts.map(() => 0))
})

test('parts that are killed at any time, while it runs: as if they had not been', { timeout: 600_000 }, async () => {
  const cluster = bed.outputs()
  const embedded = bed.outputs()
  const env = bed.onCluster(broker(), cluster, 3)
  const commands = [
    ['process', 'all'],
    ['process', 'http-parser', 'container-enricher'],
    ['project', 'all'],
  ]
  const parts = await Promise.all(commands.map((args) => bed.start(args, env)))
  const collector = await bed.start(['collect'], env)
  const whole = await bed.run({}, embedded)
  const echo = await bed.echo()

  let right = 0
  for (let round = 0; round < 6; round++) {
    const traffic = bed.client(echo.port, 50)
    const victim = round % commands.length
    await parts[victim]?.kill9()
    right += await traffic
    parts[victim] = await bed.start(commands[victim] as string[], env)
  }
  await echo.stop()
  expect(right).toBe(300)
  expect(await whole.stop(), whole.stderr).toBe(0)
  expect(await collector.stop(), collector.stderr).toBe(0)
  await caughtUp(env, [...processors, ...projections], parts)
  for (const part of parts) expect(await part.stop(), part.stderr).toBe(0)

  expect(differences(cluster.lines(), embedded.lines())).toEqual(noDifferences)
  expect(byConnection(cluster.lines())).toEqual(byConnection(embedded.lines()))
  expect(withoutTimes(cluster.map())).toEqual(withoutTimes(embedded.map()))
})

test('a process that was asleep while another took its work is fenced, joins again, and has written nothing twice', {
  timeout: 600_000,
}, async () => {
  const cluster = bed.outputs()
  const embedded = bed.outputs()
  const env = bed.onCluster(broker(), cluster)
  const sleeper = await bed.start(['process', 'all'], env)
  const others = [await bed.start(['process', 'all'], env), await bed.start(['project', 'all'], env)]
  const collector = await bed.start(['collect'], env)
  const whole = await bed.run({}, embedded)
  const echo = await bed.echo()

  const traffic = bed.client(echo.port, 40)
  sleeper.child.kill('SIGSTOP')
  let right = await traffic
  right += await bed.client(echo.port, 40)
  // The other one has all the work when everything is through.
  await until(
    'the lines of 80 exchanges',
    () => readFileSync(cluster.httpLog, 'utf8').split('"http_version"').length > 4 * 80,
    () => others.map(({ stderr }) => stderr).join(''),
  )
  sleeper.child.kill('SIGCONT')
  right += await bed.client(echo.port, 40)
  await echo.stop()
  expect(right).toBe(120)
  expect(await whole.stop(), whole.stderr).toBe(0)
  expect(await collector.stop(), collector.stderr).toBe(0)
  await caughtUp(env, [...processors, ...projections], [sleeper, ...others])
  for (const part of [sleeper, ...others]) expect(await part.stop(), part.stderr).toBe(0)

  expect(differences(cluster.lines(), embedded.lines())).toEqual(noDifferences)
  expect(withoutTimes(cluster.map())).toEqual(withoutTimes(embedded.map()))
})

test('syscribe run with brokers is all of it in one process', { timeout: 400_000 }, async () => {
  const outputs = bed.outputs()
  const env = bed.onCluster(broker(), outputs)
  const whole = await bed.start(['run'], env)
  const echo = await bed.echo()
  expect(await bed.client(echo.port, 25)).toBe(25)
  await echo.stop()
  expect(await whole.stop(), whole.stderr).toBe(0)
  expect(outputs.lines().filter((line) => line.event_type === undefined)).toHaveLength(100)
  const [service] = outputs.map().services.filter(({ name }) => name === 'client')
  expect(service?.endpoints.reduce((sum, endpoint) => sum + Number(endpoint.count), 0)).toBe(25)
})
