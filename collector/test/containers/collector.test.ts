import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMemoryLog, type Log } from '@syscribe/log'
import { containerIdsOfCgroup, TopicCodec, type TopicName, type TopicRecord } from '@syscribe/schemas'
import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endings } from '../../../tests/harness/at-end.js'
import { type ContainerEngine, startDocker } from '../../../tests/harness/container-engines.js'
import { fillImageFolder } from '../../../tests/harness/image-folder.js'
import { collectorTopics, startCollector } from '../../src/index.js'
import { buildNative } from '../native/capture-session.js'

buildNative()
const atEnd = endings()
const profile = `containers-${process.pid}`
let engine: ContainerEngine

beforeAll(async () => {
  engine = await startDocker()
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-image-'))
  fillImageFolder(folder, ['/bin/sleep', '/bin/true', '/bin/sh'])
  engine.importImage('programs:1', folder)
  rmSync(folder, { recursive: true })
}, 120_000)
afterAll(async () => {
  await engine?.remove()
}, 60_000)

async function recordsOf<T extends TopicName>(log: Log, topic: T): Promise<(TopicRecord<T> & { timestamp: number })[]> {
  const codec = new TopicCodec(topic)
  const reader = await log.reader()
  await reader.assign([{ topic, partition: 0, offset: 'earliest' }])
  const records: (TopicRecord<T> & { timestamp: number })[] = []
  for (;;) {
    const fetched = await reader.poll()
    if (fetched.length === 0) break
    for (const { batch } of fetched) {
      for (const { value, timestamp } of batch) {
        records.push({ ...codec.decode(Buffer.from(value as Buffer)), timestamp })
      }
    }
  }
  await reader.close()
  return records
}

test('what runs in containers is in the log with them, in an order by which they can be joined', async () => {
  const log = createMemoryLog()
  const settings = { partitions: 1, cleanup: 'delete' as const, retentionMs: null, retentionBytes: null }
  await log.createTopics(collectorTopics.map((topic) => ({ topic, ...settings })))
  const run = (...args: string[]) => engine.cli('run', '-e', `ADI_PROFILE=${profile}`, ...args)
  const before = run('-d', '--name', 'before', 'programs:1', '/bin/sleep', '1000')
  const collector = await startCollector({
    log,
    logger: pino({ level: 'silent' }),
    config: {
      host: 'test-host',
      allowedProfiles: [profile],
      environmentPrefixes: [],
      captureLimit: 1 << 20,
      ringBytes: 16 << 20,
      queueBytes: 64 << 20,
      hook: 'auto',
      containers: { socket: engine.socket, namespace: 'default' },
    },
  })
  atEnd(() => collector.stop())
  const brief = run('-d', '--cgroupns=private', '--name', 'brief', 'programs:1', '/bin/true')
  const added = run('-d', '--name', 'added', '--cgroupns=host', 'programs:1', '/bin/sleep', '1000')
  engine.cli('exec', 'added', '/bin/sh', '-c', '/bin/true')
  await collector.stop()

  const processes = (await recordsOf(log, 'processes')).flatMap((record) =>
    record.kind === 'ProcessSeen' ? [record.value] : [],
  )
  const containers = (await recordsOf(log, 'containers')).flatMap((record) =>
    record.kind === 'Container' ? [{ ...record.value, timestamp: record.timestamp }] : [],
  )
  for (const [id, comms] of [
    [before, ['sleep']],
    [brief, ['true']],
    [added, ['sleep', 'sh', 'true']],
  ] as const) {
    const inside = processes.filter(({ cgroup }) => containerIdsOfCgroup(cgroup)[0] === id)
    expect(inside.map(({ comm }) => comm)).toEqual(expect.arrayContaining([...comms]))
    const [container] = containers.filter((one) => one.id === id)
    for (const seen of inside) expect(container?.from).toBeLessThanOrEqual(seen.time)
    const first = Math.min(...inside.map(({ time }) => Math.floor(time / 1000)))
    expect(container?.timestamp).toBeLessThanOrEqual(first)
  }
  const marks = (await recordsOf(log, 'containers')).filter(({ kind }) => kind === 'Watermark')
  expect(marks.at(-1)).toMatchObject({ value: { final: true } })
  const end = marks.at(-1)?.value.time as number
  for (const { value } of await recordsOf(log, 'containers')) expect(value.time).toBeLessThanOrEqual(end)
  const last = (await recordsOf(log, 'processes')).at(-1)
  expect(marks.at(-1)?.timestamp).toBe(last?.timestamp)
  const [host] = await recordsOf(log, 'containers')
  expect(host).toMatchObject({ kind: 'ContainerHost', value: { host: 'test-host', complete: false } })
}, 60_000)
