import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  BatchBuilder,
  createMemoryLog,
  type Log,
  openEmbeddedLog,
  openKafkaLog,
  type Producer,
  type RecordBatch,
} from '@syscribe/log'
import type { KindRecord, TopicKind, TopicName } from '@syscribe/schemas'
import { type TestBroker, testBroker } from '@syscribe/test-broker'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { topicSettings } from '../src/index.js'
import { ownCodec } from '../src/own-codec.js'
import { boot, exit, loss } from './test-records.js'

/** The engines every test of the runtime's contract runs on. A file that takes them all calls `useKafka`. */
export const engines = ['memory', 'embedded', 'kafka'] as const
export type Engine = (typeof engines)[number]

let broker: TestBroker | undefined

/** The tests of this file have a broker. */
export function useKafka(): void {
  beforeAll(async () => {
    broker = await testBroker()
  }, 300_000)
  afterAll(() => broker?.stop())
}

/** How to open a log on the broker that nobody else uses; it is gone after the test. */
export function kafkaOptions(): { brokers: string[]; prefix: string } {
  if (broker === undefined) throw new Error('the file does not say useKafka()')
  const options = { brokers: broker.brokers, prefix: `test-${randomBytes(6).toString('hex')}.` }
  atEnd(async () => {
    const left = await openKafkaLog(options)
    for (const { topic } of await left.describeTopics()) await left.deleteTopic(topic)
    await left.close()
  })
  return options
}

const cleanups: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

export function atEnd(cleanup: () => void | Promise<void>): void {
  cleanups.push(cleanup)
}

/** A folder that is gone after the test. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-runtime-'))
  atEnd(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** An empty log with the topics of the catalogue. */
export async function testLog(engine: Engine, partitions = 1): Promise<Log> {
  const log = await openLog(engine)
  atEnd(() => log.close())
  await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null, partitions }))
  return log
}

function openLog(engine: Engine): Log | Promise<Log> {
  if (engine === 'memory') return createMemoryLog()
  if (engine === 'embedded') return openEmbeddedLog({ path: join(testFolder(), 'log') })
  return openKafkaLog(kafkaOptions())
}

/** Every batch of a partition, as far as it goes now. */
export async function batchesOf(log: Log, topic: string, partition = 0): Promise<RecordBatch[]> {
  const described = (await log.describeTopics()).find((other) => other.topic === topic)
  const { start, end } = described?.offsets[partition] ?? { start: 0, end: 0 }
  const batches: RecordBatch[] = []
  const reader = await log.reader()
  await reader.assign([{ topic, partition, offset: 'earliest' }])
  for (let next = start; next < end; ) {
    const fetched = await reader.poll({ waitMs: 10_000 })
    if (fetched.length === 0) throw new Error(`no records of ${topic}/${partition} from ${next} to ${end}`)
    for (const { batch, nextOffset } of fetched) {
      batches.push(batch)
      next = nextOffset
    }
  }
  await reader.close()
  return batches
}

/** Appends records for tests. Times are in milliseconds. */
export class Appender {
  readonly #log: Log
  readonly #producer: Producer
  private constructor(log: Log, producer: Producer) {
    this.#log = log
    this.#producer = producer
  }
  static async open(log: Log): Promise<Appender> {
    return new Appender(log, await log.producer())
  }

  async records<T extends TopicName>(
    topic: T,
    records: readonly { time: number; kind: TopicKind<T>; value: KindRecord<TopicKind<T>>; key?: string }[],
    partition = 0,
  ): Promise<void> {
    const codec = ownCodec(topic)
    const builder = new BatchBuilder(await this.#log.registerSchema(topic, codec.schema), 1024)
    for (const { time, kind, value, key = 'k' } of records) {
      builder.append({ timestamp: Math.floor(time), key: Buffer.from(key), value: codec.encode(kind, value) })
    }
    await this.#producer.append([{ topic, partition, batch: builder.take() }])
  }

  /** Records of `syscalls`, told apart by a number. */
  losses(
    all: readonly (readonly [time: number, number: number])[],
    partition = 0,
    key = 'k',
    host = 'a',
  ): Promise<void> {
    return this.records(
      'syscalls',
      all.map(([time, number]) => ({ time, kind: 'CaptureLoss' as const, key, value: loss(time, number, host) })),
      partition,
    )
  }

  /** Records of `processes`, told apart by their pid. */
  exits(all: readonly (readonly [time: number, pid: number])[], partition = 0, host = 'a'): Promise<void> {
    return this.records(
      'processes',
      all.map(([time, pid]) => ({ time, kind: 'ProcessExited' as const, key: `${pid}`, value: exit(time, pid, host) })),
      partition,
    )
  }

  watermark(topic: TopicName, time: number, host = 'a', final = false, partition = 0): Promise<void> {
    const value = { time: Math.round(time * 1000), timeNanos: 0, host, boot, final }
    return this.records(topic as 'syscalls', [{ time, kind: 'Watermark', value, key: `watermark/${host}` }], partition)
  }

  async raw(topic: TopicName, time: number, value: Buffer | null, partition = 0, schemaId = 0): Promise<void> {
    const builder = new BatchBuilder(schemaId, 1024)
    builder.append({ timestamp: time, key: Buffer.from('raw'), value })
    await this.#producer.append([{ topic, partition, batch: builder.take() }])
  }
}

/** Every record of a partition, decoded, as one line each: what two runs must agree on to the byte. */
export async function linesOf(log: Log, topic: TopicName, partition = 0): Promise<string[]> {
  const lines: string[] = []
  const codec = ownCodec(topic)
  for (const batch of await batchesOf(log, topic, partition)) {
    for (const { timestamp, key, value } of batch) {
      const record = value === null ? null : codec.decode(value)
      lines.push(`${timestamp} ${key} ${JSON.stringify(record?.kind)} ${show(record?.value)}`)
    }
  }
  return lines
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, field) =>
    field?.type === 'Buffer' ? Buffer.from(field.data).toString('hex') : field,
  )
}

/** The names in the records of topic `names`. */
export async function namesOf(log: Log, partition = 0): Promise<string[]> {
  const names: string[] = []
  const codec = ownCodec('names')
  for (const batch of await batchesOf(log, 'names', partition)) {
    for (const { value } of batch) {
      const record = codec.decode(value as Buffer)
      if (record.kind === 'NameAnswer') names.push(record.value.name)
      else names.push(`<${record.value.time / 1000} ${record.value.host}${record.value.final ? ' final' : ''}>`)
    }
  }
  return names
}
