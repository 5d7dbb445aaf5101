import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatchBuilder, createMemoryLog, type Log, openEmbeddedLog, type Producer } from '@syscribe/log'
import type { KindRecord, TopicKind, TopicName } from '@syscribe/schemas'
import { afterEach } from 'vitest'
import { topicSettings } from '../src/index.js'
import { ownCodec } from '../src/own-codec.js'
import { boot, exit, loss } from './test-records.js'

/** The engines every test of the runtime's contract runs on. */
export const engines = ['memory', 'embedded'] as const
export type Engine = (typeof engines)[number]

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
  const log = engine === 'memory' ? createMemoryLog() : await openEmbeddedLog({ path: join(testFolder(), 'log') })
  atEnd(() => log.close())
  await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null, partitions }))
  return log
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
  const reader = await log.reader()
  await reader.assign([{ topic, partition, offset: 'earliest' }])
  for (;;) {
    const fetched = await reader.poll()
    if (fetched.length === 0) break
    for (const { batch } of fetched) {
      for (const { timestamp, key, value } of batch) {
        const record = value === null ? null : codec.decode(value)
        lines.push(`${timestamp} ${key} ${JSON.stringify(record?.kind)} ${show(record?.value)}`)
      }
    }
  }
  await reader.close()
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
  const reader = await log.reader()
  await reader.assign([{ topic: 'names', partition, offset: 'earliest' }])
  for (;;) {
    const fetched = await reader.poll()
    if (fetched.length === 0) break
    for (const { batch } of fetched) {
      for (const { value } of batch) {
        const record = codec.decode(value as Buffer)
        if (record.kind === 'NameAnswer') names.push(record.value.name)
        else names.push(`<${record.value.time / 1000} ${record.value.host}${record.value.final ? ' final' : ''}>`)
      }
    }
  }
  await reader.close()
  return names
}
