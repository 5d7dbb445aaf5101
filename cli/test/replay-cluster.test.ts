import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Log, openKafkaLog } from '@syscribe/log'
import { parseConfig, type Running, runLive } from '@syscribe/runtime'
import { type TestBroker, testBroker } from '@syscribe/test-broker'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { projectionsNamed } from '../src/run/named-parts.js'
import { processors, projectionTasks } from '../src/run/parts.js'
import { command, jsonLines } from './command.js'
import { recordInto } from './recorded-log.js'
import { urlsProjection } from './urls-projection.js'

let broker: TestBroker
beforeAll(async () => {
  broker = await testBroker()
}, 300_000)
afterAll(() => broker.stop())

let folder: string
let env: Record<string, string>
let log: Log
let parts: Running[]
const path = (name: string) => join(folder, name)
const text = (name: string) => readFileSync(path(name), 'utf8')

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'syscribe-cli-'))
  env = {
    KAFKA_BROKERS: broker.brokers.join(','),
    KAFKA_TOPIC_PREFIX: `t${randomBytes(6).toString('hex')}.`,
    OUTPUT_PATH: path('http.log'),
    ENV_OUTPUT_PATH: path('env.yaml'),
    SERVICE_MAP_PATH: path('map.json'),
    SYSCRIBE_LOG_LEVEL: 'silent',
  }
  log = await openKafkaLog({ brokers: broker.brokers, prefix: env.KAFKA_TOPIC_PREFIX })
  await recordInto(log)
  parts = []
}, 60_000)
afterEach(async () => {
  for (const part of parts) await part.close()
  for (const { topic } of await log.describeTopics()) await log.deleteTopic(topic)
  await log.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

/** The processors and the projections, as two live processes. */
async function startParts(): Promise<void> {
  const common = { log, logger: pino({ level: 'silent' }), partitions: 'all' as const }
  parts.push(await runLive({ ...common, processors, projections: [] }))
  parts.push(await runLive({ ...common, processors: [], projections: projectionTasks(parseConfig({ env })) }))
  for (const part of parts) await part.drain()
}

it('builds again what live processes write, and moves them over to another generation', async () => {
  await startParts()
  const before = text('http.log')
  expect(jsonLines(before)).toMatchObject([{ url: '/hello', source_service: 'caller' }, { status_code: 200 }])

  const first = await command(['replay', 'http-log'], env)
  expect(first).toMatchObject({ exitCode: 0, stdout: 'http-log is built again.\n' })
  expect(text('http.log')).toBe(before)

  const second = await command(['replay', 'http-parser'], env)
  expect(second).toMatchObject({ exitCode: 0, stdout: 'http-parser is built again.\n' })
  expect(second.stderr).toMatch(/records \(100 %\)/)
  expect(text('http.log')).toBe(before)
  const topics = (await log.describeTopics()).map(({ topic }) => topic)
  expect(topics).toEqual(expect.arrayContaining(['http.2', 'traffic.2', 'connections']))
  expect(topics).not.toContain('http')

  // Whoever shows a topic is shown the one that counts.
  const shown = jsonLines((await command(['log', 'show', 'http'], env)).stdout)
  expect(shown).toMatchObject([
    { topic: 'http', value: { url: '/hello' } },
    { topic: 'http', value: { status: 200 } },
  ])

  // What reads once reads the generation that counts.
  const into = await command(['replay', 'http-log', '--into', path('part.log'), '--to', '1'], env)
  expect(into.exitCode).toBe(0)
  expect(text('part.log')).toBe(`${before.split('\n')[0]}\n`)
  const topic = await command(['replay', 'container-enricher', '--into', 'trial'], env)
  expect(topic).toMatchObject({ exitCode: 0, stdout: 'container-enricher is written to trial.\n' })
  const ends = new Map((await log.describeTopics()).map(({ topic, offsets }) => [topic, offsets]))
  expect(ends.get('trial')?.[0]?.end).toBeGreaterThan(2)
}, 180_000)

it('says what to start where nobody writes the projection, and which there are', async () => {
  const nobody = await command(['replay', 'service-map'], env)
  expect(nobody).toMatchObject({
    exitCode: 1,
    stderr: 'syscribe: no process runs service-map: start it with syscribe project service-map, then replay\n',
  })
  await startParts()
  const other = { ...env, OUTPUT_PATH: path('other.log') }
  const projections = projectionTasks(parseConfig({ env: other })).filter(({ target }) => target === path('other.log'))
  parts.push(await runLive({ log, logger: pino({ level: 'silent' }), processors: [], projections }))
  const two = await command(['replay', 'http-log'], env)
  expect(two).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(path('other.log')) })
  const one = await command(['replay', 'http-log', '--target', path('other.log')], env)
  expect(one).toMatchObject({ exitCode: 0 })
  expect(text('other.log')).toBe(text('http.log'))
}, 180_000)

it('projections of one’s own are projected and replayed by name', async () => {
  writeFileSync(path('urls.mjs'), urlsProjection)
  const own = { ...env, SYSCRIBE_PROJECTIONS: `${path('urls.mjs')}=${path('urls.txt')}` }
  const config = parseConfig({ env: own })
  const targets = async (...names: string[]) =>
    (await projectionsNamed(names, undefined, config)).tasks.map(({ target }) => target)
  expect(await targets('urls')).toEqual([path('urls.txt')])
  expect(await targets('all')).toEqual(['http.log', 'env.yaml', 'map.json', 'urls.txt'].map(path))
  await expect(targets('ulrs')).rejects.toThrow('one of http-log, env-yaml, service-map, urls')

  await startParts()
  const { tasks } = await projectionsNamed(['urls'], undefined, config)
  parts.push(await runLive({ log, logger: pino({ level: 'silent' }), processors: [], projections: tasks }))
  await parts.at(-1)?.drain()
  expect(text('urls.txt')).toBe('/hello,seen')
  writeFileSync(path('urls.txt'), 'spoilt')
  // Whoever asks needs no more than the name: the process that writes it has the rest.
  const replayed = await command(['replay', 'urls'], env)
  expect(replayed).toMatchObject({ exitCode: 0, stdout: 'urls is built again.\n' })
  expect(text('urls.txt')).toBe('/hello,seen')
  const once = await command(['replay', 'urls', '--into', path('once.txt')], own)
  expect(once).toMatchObject({ exitCode: 0, stdout: `urls is written to ${path('once.txt')}.\n` })
  expect(text('once.txt')).toBe('/hello,seen')
  const unknown = await command(['replay', 'ulrs'], env)
  expect(unknown).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('service-map, urls, http-parser') })
}, 180_000)
