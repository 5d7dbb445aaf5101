import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TestBroker, testBroker } from '@syscribe/test-broker'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endings } from '../harness/at-end.js'
import { caughtUp, clusterEnvironment, Part } from '../harness/cluster.js'
import { programs, run, type Server, startServer } from '../harness/program.js'
import { differences, noDifferences, withoutTimes } from '../harness/same-content.js'
import { type Line, Outputs, Syscribe } from '../harness/syscribe.js'

// Every part its own process on real brokers, against real traffic and against `syscribe run` that watches the same.

const profile = `kafka-${process.pid}`
const atEnd = endings()
let broker: TestBroker
beforeAll(async () => {
  broker = await testBroker()
}, 180_000)
afterAll(() => broker?.stop())

async function startEcho(): Promise<Server> {
  const env = { ADI_PROFILE: profile, ADI_PROFILE_NAME: 'echo' }
  const args = (port: number) => [`${programs}server.mjs`, `${port}`]
  const echo = await startServer((port) => ({ command: process.execPath, args: args(port), env }))
  atEnd(echo.stop)
  return echo
}

/** A profiled client; it says how many of its requests were answered rightly. */
async function client(port: number, count: number): Promise<number> {
  const args = [`${programs}client.mjs`, `http://127.0.0.1:${port}`, `${count}`]
  const env = { ADI_PROFILE: profile, ADI_PROFILE_NAME: 'client' }
  return Number((await run({ command: process.execPath, args, env })).stdout)
}

function newOutputs(): Outputs {
  const outputs = new Outputs()
  atEnd(() => outputs.remove())
  return outputs
}

async function start(args: string[], env: Record<string, string>): Promise<Part> {
  const part = await Part.start(args, env)
  atEnd(() => part.kill9())
  return part
}

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
  const cluster = newOutputs()
  const embedded = newOutputs()
  const env = { ...clusterEnvironment(broker.brokers), ...cluster.environment, ADI_PROFILE_ALLOWED: profile }
  const parts = await Promise.all([
    ...processors.map((name) => start(['process', name], env)),
    ...projections.map((name) => start(['project', name], env)),
  ])
  const collector = await start(['collect'], env)
  const whole = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile }, embedded)
  atEnd(() => whole.dispose())

  const echo = await startEcho()
  expect(await client(echo.port, 60)).toBe(60)
  expect(await client(echo.port, 40)).toBe(40)
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
  const cluster = newOutputs()
  const embedded = newOutputs()
  const env = { ...clusterEnvironment(broker.brokers, 3), ...cluster.environment, ADI_PROFILE_ALLOWED: profile }
  const commands = [
    ['process', 'all'],
    ['process', 'http-parser', 'container-enricher'],
    ['project', 'all'],
  ]
  const parts = await Promise.all(commands.map((args) => start(args, env)))
  const collector = await start(['collect'], env)
  const whole = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile }, embedded)
  atEnd(() => whole.dispose())
  const echo = await startEcho()

  let right = 0
  for (let round = 0; round < 6; round++) {
    const traffic = client(echo.port, 50)
    const victim = round % commands.length
    await parts[victim]?.kill9()
    right += await traffic
    parts[victim] = await start(commands[victim] as string[], env)
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
  const cluster = newOutputs()
  const embedded = newOutputs()
  const env = { ...clusterEnvironment(broker.brokers), ...cluster.environment, ADI_PROFILE_ALLOWED: profile }
  const sleeper = await start(['process', 'all'], env)
  const others = [await start(['process', 'all'], env), await start(['project', 'all'], env)]
  const collector = await start(['collect'], env)
  const whole = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile }, embedded)
  atEnd(() => whole.dispose())
  const echo = await startEcho()

  const traffic = client(echo.port, 40)
  sleeper.child.kill('SIGSTOP')
  let right = await traffic
  right += await client(echo.port, 40)
  // The other one has all the work when everything is through.
  while (readFileSync(cluster.httpLog, 'utf8').split('"http_version"').length <= 4 * 80) await sleep(500)
  sleeper.child.kill('SIGCONT')
  right += await client(echo.port, 40)
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
  const outputs = newOutputs()
  const env = { ...clusterEnvironment(broker.brokers), ...outputs.environment, ADI_PROFILE_ALLOWED: profile }
  const whole = await start(['run'], env)
  const echo = await startEcho()
  expect(await client(echo.port, 25)).toBe(25)
  await echo.stop()
  expect(await whole.stop(), whole.stderr).toBe(0)
  expect(outputs.lines().filter((line) => line.event_type === undefined)).toHaveLength(100)
  const [service] = outputs.map().services.filter(({ name }) => name === 'client')
  expect(service?.endpoints.reduce((sum, endpoint) => sum + Number(endpoint.count), 0)).toBe(25)
})
