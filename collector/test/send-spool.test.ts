import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatchBuilder, createMemoryLog, type Log, LogError, type Producer } from '@syscribe/log'
import { TopicCodec } from '@syscribe/schemas'
import pino from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type SpoolSender, sendSpool } from '../src/spool/send-spool.js'
import { readPosition } from '../src/spool/sent-metadata.js'
import { Spool } from '../src/spool/spool.js'

const silent = pino({ level: 'silent' })
let folder: string
let log: Log
let spool: Spool
let sender: SpoolSender | undefined
/** What the brokers do at their next transactions: they may be away before it, or after they took it. */
let faults: ('before' | 'after')[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'syscribe-spool-'))
  faults = []
  log = createMemoryLog()
  const settings = { partitions: 1, cleanup: 'delete' as const, retentionMs: null, retentionBytes: null }
  await log.createTopics([{ topic: 'syscalls', ...settings }])
  // So that an id of the spool is none of the log.
  await log.registerSchema('syscalls', { type: 'int' })
  spool = await newSpool()
})
afterEach(async () => {
  await sender?.stop().catch(() => {})
  sender = undefined
  spool.close()
  await log.close()
  rmSync(folder, { recursive: true, force: true })
})

async function newSpool(): Promise<Spool> {
  const opened = new Spool({ path: folder, maxBytes: 1024 ** 2, partitions: 1, topics: ['syscalls'] })
  await opened.registerSchema('syscalls', { type: 'string' })
  return opened
}

function unreliable(producer: Producer): Producer {
  return {
    append: (batches) => producer.append(batches),
    committed: (group) => producer.committed(group),
    close: () => producer.close(),
    async commit(transaction) {
      const fault = faults.shift()
      if (fault === 'before') throw new LogError('unavailable', 'no broker')
      await producer.commit(transaction)
      if (fault === 'after') throw new LogError('unavailable', 'no answer')
    },
  }
}

/** A view that may be closed as often as it is opened. */
function reached(): Log {
  return new Proxy(log, {
    get: (target, name: keyof Log) => {
      if (name === 'close') return async () => {}
      if (name === 'producer') return async (options: object) => unreliable(await target.producer(options))
      // A promise asks for `then`.
      return target[name] instanceof Function ? target[name].bind(target) : target[name]
    },
  }) as Log
}

function send(host = 'h', open = async () => reached()): SpoolSender {
  sender = sendSpool({ spool, host, open, logger: silent })
  return sender
}

function append(text: string): void {
  const builder = new BatchBuilder(1, 64)
  builder.append({ timestamp: 7, key: null, value: Buffer.from(text) })
  spool.append([{ topic: 'syscalls', partition: 0, batch: builder.take() }])
}

async function sent(): Promise<string[]> {
  const reader = await log.reader()
  await reader.assign([{ topic: 'syscalls', partition: 0, offset: 'earliest' }])
  const texts: string[] = []
  for (;;) {
    const fetched = await reader.poll()
    if (fetched.length === 0) break
    for (const { batch } of fetched) {
      expect(await log.schema(batch.schemaId)).toEqual({ type: 'string' })
      for (const { value } of batch) texts.push(`${value}`)
    }
  }
  await reader.close()
  return texts
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => `${n}`)

test('what is appended is in the log, once, in order, with the log’s schema', async () => {
  const sending = send()
  for (const text of numbers(5)) append(text)
  expect(await sending.stop()).toBe(0)
  expect(await sent()).toEqual(numbers(5))
  expect(sending.sentRecords).toBe(5)
  expect(readPosition(await log.committed('collector/h'))).toMatchObject({ spool: spool.id })
})

test.each([[['before']], [['after']], [['before', 'after', 'before', 'after']]] as const)(
  'brokers away at %j: nothing is lost or doubled',
  async (when) => {
    faults = [...when]
    const sending = send()
    let count = 0
    while (faults.length > 0 || spool.waitingBytes > 0) {
      if (faults.length > 0) append(`${count++}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(await sent()).toEqual(numbers(count))
    expect(sending.faults).toBe(when.length)
  },
)

test('a process that dies after the log took a transaction, and before it knows: the next one knows', async () => {
  faults = ['after']
  append('0')
  append('1')
  expect(await send().stop()).toBeGreaterThan(0)
  spool.close()
  spool = await newSpool()
  append('2')
  expect(await send().stop()).toBe(0)
  expect(await sent()).toEqual(numbers(3))
})

test('brokers that are away from the start: stop leaves what waits for the next start', async () => {
  append('0')
  const sending = send('h', async () => {
    throw new LogError('unavailable', 'no broker')
  })
  expect(await sending.stop()).toBeGreaterThan(0)
  expect([await sent(), sending.connected]).toEqual([[], false])
  expect(await send().stop()).toBe(0)
  expect(await sent()).toEqual(['0'])
})

test('another collector of this name takes over: the older one ends, and says why', async () => {
  const older = send()
  append('0')
  while (spool.waitingBytes > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await log.producer({ transactionalId: 'collector/h' })
  append('1')
  await expect(older.failed).rejects.toMatchObject({ code: 'fenced' })
  sender = undefined
  expect(await sent()).toEqual(['0'])
})

test('a record that the brokers would never take is left out, a loss record in its place, and the rest goes on', async () => {
  const codec = new TopicCodec('processes')
  const settings = { partitions: 1, cleanup: 'delete' as const, retentionMs: null, retentionBytes: null }
  await log.createTopics([{ topic: 'processes', ...settings }])
  spool.close()
  spool = new Spool({ path: folder, maxBytes: 1024 ** 2, partitions: 1, topics: ['syscalls', 'processes'] })
  const id = await spool.registerSchema('processes', codec.schema)
  const boot = Buffer.alloc(16, 7)
  const exited = (host: string) => {
    const builder = new BatchBuilder(id, 64)
    const at = { time: 7000, timeNanos: 1, host, boot, pid: 1, processStart: 1 }
    builder.append({ timestamp: 7, key: Buffer.from('k'), value: codec.encode('ProcessExited', at) })
    spool.append([{ topic: 'processes', partition: 0, batch: builder.take() }])
  }
  exited('small')
  exited('large'.repeat(200))
  exited('small too')
  const limit = 500
  const brokers = new Proxy(reached(), {
    get: (target, name: keyof Log) => {
      if (name === 'describeTopics') {
        return async () => (await target.describeTopics()).map((topic) => ({ ...topic, maxRecordBytes: limit }))
      }
      if (name !== 'producer') return target[name]
      return async (options: object) => {
        const producer = await target.producer(options)
        const commit: Producer['commit'] = async (transaction) => {
          const sizes = transaction.batches
            .filter(({ topic }) => topic === 'processes')
            .flatMap(({ batch }) => [...batch].map(({ value }) => value?.length ?? 0))
          if (Math.max(...sizes) > limit) throw new LogError('record_too_large', 'over max.message.bytes')
          await producer.commit(transaction)
        }
        return { ...producer, committed: (group: string) => producer.committed(group), commit }
      }
    },
  })
  const sending = send('h', async () => brokers)
  expect(await sending.stop()).toBe(0)
  expect(sending.lostRecords).toBe(1)

  const hosts: string[] = []
  const losses: unknown[] = []
  const reader = await log.reader()
  await reader.assign(['processes', 'syscalls'].map((topic) => ({ topic, partition: 0, offset: 'earliest' as const })))
  for (let fetched = await reader.poll(); fetched.length > 0; fetched = await reader.poll()) {
    for (const { topic, batch } of fetched) {
      for (const { value } of batch) {
        if (topic === 'processes') hosts.push((codec.decode(value as Buffer).value as { host: string }).host)
        else losses.push(new TopicCodec('syscalls').decode(value as Buffer))
      }
    }
  }
  await reader.close()
  expect(hosts).toEqual(['small', 'small too'])
  expect(losses).toMatchObject([
    { kind: 'CaptureLoss', value: { host: 'large'.repeat(200), time: 7000, cause: 'other', records: 1 } },
  ])
  expect(readPosition(await log.committed('collector/h'))?.notes?.lost).toEqual({ other: 1 })
})
