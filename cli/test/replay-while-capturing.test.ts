import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatchBuilder, type Log, openKafkaLog } from '@syscribe/log'
import { parseConfig, type Running, runLive, topicSettings } from '@syscribe/runtime'
import { TopicCodec } from '@syscribe/schemas'
import { type TestBroker, testBroker } from '@syscribe/test-broker'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { processors, projectionTasks } from '../src/run/parts.js'
import { command } from './command.js'
import { recordInto } from './recorded-log.js'

const partitions = 6
/** The moment of the recorded end of what happened, ms. */
const afterRecords = Date.parse('2026-11-23T10:00:05Z')
/** A collector that shares its topics says every half second that nothing has happened. */
const watermarkMs = 500

let broker: TestBroker
beforeAll(async () => {
  broker = await testBroker()
}, 300_000)
afterAll(() => broker.stop())

let folder: string
let env: Record<string, string>
let log: Log
let parts: Running[]
let capture: Capture
const text = (name: string) => readFileSync(join(folder, name), 'utf8')

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'syscribe-cli-'))
  env = {
    KAFKA_BROKERS: broker.brokers.join(','),
    KAFKA_TOPIC_PREFIX: `t${randomBytes(6).toString('hex')}.`,
    KAFKA_PARTITIONS: `${partitions}`,
    OUTPUT_PATH: join(folder, 'http.log'),
    ENV_OUTPUT_PATH: join(folder, 'env.yaml'),
    SERVICE_MAP_PATH: join(folder, 'map.json'),
    SYSCRIBE_LOG_LEVEL: 'silent',
  }
  log = await openKafkaLog({ brokers: broker.brokers, prefix: env.KAFKA_TOPIC_PREFIX })
  await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null, partitions }))
  await recordInto(log, { partitions, final: false })
  capture = new Capture(log)
  const common = { log, logger: pino({ level: 'silent' }) }
  parts = [
    await runLive({ ...common, processors, projections: [], partitions: 'all' }),
    await runLive({ ...common, processors: [], projections: projectionTasks(parseConfig({ env })) }),
  ]
}, 120_000)
afterEach(async () => {
  await capture.stop()
  for (const part of parts) await part.close()
  for (const { topic } of await log.describeTopics()) await log.deleteTopic(topic)
  await log.close()
  rmSync(folder, { recursive: true, force: true })
}, 120_000)

/** A host on which nothing happens. */
class Capture {
  #stopped = false
  readonly #writing: Promise<void>
  constructor(log: Log) {
    this.#writing = this.#write(log)
  }
  async #write(log: Log): Promise<void> {
    const producer = await log.producer()
    const topics = ['syscalls', 'processes', 'containers'] as const
    const codecs = topics.map((topic) => new TopicCodec(topic) as unknown as TopicCodec<'syscalls'>)
    const ids = await Promise.all(topics.map((topic, index) => log.registerSchema(topic, codecs[index]!.schema)))
    while (!this.#stopped) {
      const now = Math.round(afterRecords + performance.now())
      const boot = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')
      const watermark = { time: now * 1000, timeNanos: 0, host: 'box', boot, final: false }
      await producer.append(
        topics.flatMap((topic, index) =>
          Array.from({ length: partitions }, (_, partition) => {
            const batch = new BatchBuilder(ids[index]!)
            const value = codecs[index]!.encode('Watermark', watermark)
            batch.append({ timestamp: now, key: Buffer.from('watermark'), value })
            return { topic, partition, batch: batch.take() }
          }),
        ),
      )
      await new Promise((resolve) => setTimeout(resolve, watermarkMs))
    }
    await producer.close()
  }
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#writing
  }
}

it('is done soon after it has derived what was there, whatever watermarks come meanwhile', async () => {
  await expect.poll(() => text('http.log'), { timeout: 60_000 }).toContain('/hello')
  const before = text('http.log')
  const warnings: string[] = []
  const warned = ({ message }: Error) => warnings.push(message)
  process.on('warning', warned)
  const replayed = await command(['replay', 'http-parser'], { ...env, SYSCRIBE_LOG_LEVEL: 'info' })
  expect(replayed).toMatchObject({ exitCode: 0, stdout: 'http-parser is built again.\n' })
  process.off('warning', warned)
  expect(warnings).toEqual([])
  expect(text('http.log')).toBe(before)
  // Records that come meanwhile do not lead it on, so the lines tell of one way, and of nothing else.
  const lines = replayed.stderr.trimEnd().split('\n')
  const percents = lines.map((line) => Number(/^\d+ of \d+ records \((\d+) %\)$/.exec(line)?.[1]))
  expect(percents).toEqual([...percents].sort((a, b) => a - b))
  expect(percents.filter((percent) => percent === 100)).toEqual([100])
}, 180_000)
