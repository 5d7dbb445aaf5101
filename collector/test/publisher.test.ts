import { BatchBuilder, createMemoryLog, type Log, LogError, type LogRecord } from '@syscribe/log'
import { TopicCodec } from '@syscribe/schemas'
import pino from 'pino'
import { beforeEach, expect, test } from 'vitest'
import { collectorTopics, Publisher } from '../src/publisher.js'

const identity = { host: 'h', boot: Buffer.alloc(16, 7) }
const silent = pino({ level: 'silent' })
const watermark = { time: 1_700_000_000_123_999, timeNanos: 5 }

let log: Log
beforeEach(async () => {
  log = createMemoryLog()
  const settings = { partitions: 2, cleanup: 'delete' as const, retentionMs: null, retentionBytes: null }
  await log.createTopics(collectorTopics.map((topic) => ({ topic, ...settings })))
})

async function recordsOf(topic: string, partition: number): Promise<LogRecord[]> {
  const reader = await log.reader()
  await reader.assign([{ topic, partition, offset: 'earliest' }])
  const records: LogRecord[] = []
  for (;;) {
    const fetched = await reader.poll()
    if (fetched.length === 0) break
    for (const { batch } of fetched) records.push(...batch)
  }
  await reader.close()
  return records
}

const empty = { batches: [], processes: [], losses: [], watermark: null, final: false }

test('a round is in the log before its watermark, which every partition of every topic gets', async () => {
  const publisher = await Publisher.open(log, identity, silent)
  const builder = new BatchBuilder(publisher.syscallsSchemaId)
  builder.append({ timestamp: 1_700_000_000_100, key: Buffer.alloc(8), value: Buffer.from([2]) })
  const exited = { ...identity, pid: 1, processStart: 2, time: watermark.time - 1, timeNanos: 0 }
  await publisher.publish({
    batches: [{ partition: 1, batch: builder.take() }],
    processes: [{ kind: 'ProcessExited', value: exited }],
    losses: [{ cause: 'ring_full', records: 3, bytes: 99 }],
    watermark,
    final: true,
  })
  const codec = new TopicCodec('syscalls')
  const kinds = async (partition: number) =>
    (await recordsOf('syscalls', partition)).map(({ value }) => codec.kindOf(value as Buffer))
  expect(await kinds(0)).toEqual(['CaptureLoss', 'Watermark'])
  expect(await kinds(1)).toEqual(['ConnectionOpened', 'Watermark'])
  const last = (await recordsOf('containers', 1)).at(-1) as LogRecord
  expect(last.timestamp).toBe(1_700_000_000_123)
  expect(new TopicCodec('containers').decode(last.value as Buffer)).toEqual({
    kind: 'Watermark',
    value: { ...watermark, ...identity, final: true },
  })
  const processes = [...(await recordsOf('processes', 0)), ...(await recordsOf('processes', 1))]
  expect(processes.map(({ key }) => key?.toString())).toContain(`h/${'07'.repeat(16)}/1/2/exited`)
})

test('containers go out before their own watermark, one key for each run; the other topics are further', async () => {
  const publisher = await Publisher.open(log, identity, silent)
  const run = {
    ...identity,
    time: watermark.time - 500_000,
    timeNanos: 0,
    runtime: 'docker',
    id: 'ab12',
    name: 'web-1',
    image: 'web:1',
    service: 'web',
    labels: { 'a/b': 'é' },
    addresses: ['172.17.0.2', 'fd00::2'],
    hostNetwork: false,
    ports: [{ hostAddress: '::', hostPort: 8080, containerPort: 80, transport: 'tcp' as const }],
    cgroup: '/docker/ab12',
    pid: 7,
    from: 1_700_000_000_000_000,
    to: null,
    netns: 4026531840,
    networks: [{ name: 'n1', addresses: ['172.17.0.2'], gateways: ['172.17.0.1'] }],
  }
  const runtime = { runtime: 'docker', complete: true, netns: 4026531840, addresses: ['10.0.0.1'] }
  const knows = { ...identity, ...runtime, time: run.time - 1, timeNanos: 0 }
  const again = { ...run, time: run.time + 1, from: run.from + 9, to: run.from + 10 }
  const behind = { time: watermark.time - 400_000, timeNanos: 0 }
  const records = [
    { kind: 'ContainerHost' as const, value: knows },
    { kind: 'Container' as const, value: run },
    { kind: 'Container' as const, value: again },
  ]
  await publisher.publish({ ...empty, containers: { records, watermark: behind }, watermark })
  const codec = new TopicCodec('containers')
  const written = (await Promise.all([0, 1].map((partition) => recordsOf('containers', partition)))).flat()
  const decoded = written.map(({ value }) => codec.decode(value as Buffer))
  const mark = { kind: 'Watermark', value: { ...behind, ...identity, final: false } }
  expect(decoded).toHaveLength(5)
  expect(decoded).toEqual(expect.arrayContaining([...records, mark]))
  const host = `h/${'07'.repeat(16)}`
  expect(written.map(({ key }) => key?.toString()).sort()).toEqual(
    [host, `${host}/docker/ab12/${run.from}`, `${host}/docker/ab12/${again.from}`, 'watermark/h', 'watermark/h'].sort(),
  )
  expect((await recordsOf('syscalls', 0)).at(-1)?.timestamp).toBe(1_700_000_000_123)
})

test('a full disk is waited out: nothing of the round is lost or doubled', async () => {
  const real = log.producer.bind(log)
  let refusals = 2
  log.producer = async (options) => {
    const producer = await real(options)
    const append = producer.append.bind(producer)
    producer.append = async (batches) => {
      if (refusals-- > 0) throw new LogError('storage_full', 'no space left')
      return append(batches)
    }
    return producer
  }
  const publisher = await Publisher.open(log, identity, silent)
  await publisher.publish({ ...empty, watermark })
  expect(refusals).toBe(-1)
  expect(await recordsOf('syscalls', 0)).toHaveLength(1)
})

test('where the log tells of room, that is waited for', async () => {
  const real = log.producer.bind(log)
  let full = true
  log.producer = async (options) => {
    const producer = await real(options)
    const append = producer.append.bind(producer)
    const room = async () => {
      full = false
    }
    return Object.assign(producer, {
      room,
      append: async (batches: Parameters<typeof append>[0]) => {
        if (full) throw new LogError('storage_full', 'no space left')
        return append(batches)
      },
    })
  }
  const publisher = await Publisher.open(log, identity, silent)
  await publisher.publish({ ...empty, watermark })
  expect(await recordsOf('syscalls', 0)).toHaveLength(1)
})

test('another fault of the log is not swallowed', async () => {
  const publisher = await Publisher.open(log, identity, silent)
  await publisher.close()
  await expect(publisher.publish({ ...empty, watermark })).rejects.toMatchObject({ code: 'closed' })
})

test('without its topics the collector does not start', async () => {
  await expect(Publisher.open(createMemoryLog(), identity, silent)).rejects.toMatchObject({ code: 'unknown_topic' })
})
