import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatchBuilder, createMemoryLog, type Log } from '@syscribe/log'
import { topicSettings } from '@syscribe/runtime'
import { TopicCodec, type TopicName } from '@syscribe/schemas'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { clusterParts } from '../src/status/known-parts.js'
import { type KnownPart, StatusReader } from '../src/status/status-reader.js'
import { statusText } from '../src/status/status-text.js'
import { command, jsonLines } from './command.js'
import { recordLog } from './recorded-log.js'

const boot = Buffer.alloc(16, 1)
const begin = Date.parse('2026-11-23T10:00:00Z')
const parts: readonly KnownPart[] = [
  { part: 'http-parser', kind: 'processor' },
  { part: 'env-reader', kind: 'processor' },
]
let log: Log
let now = begin
let reader: StatusReader
beforeEach(async () => {
  log = createMemoryLog()
  now = begin + 10_000
  await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null, partitions: 2 }))
  reader = new StatusReader({ log, parts: async () => parts, now: () => now })
})
afterEach(async () => {
  await reader.close()
  await log.close()
})

/** One record `at` milliseconds after the beginning. */
async function append<T extends TopicName>(topic: T, at: number, kind: string, value: object, partition = 0) {
  const codec = new TopicCodec(topic) as unknown as TopicCodec<'syscalls'>
  const builder = new BatchBuilder(await log.registerSchema(topic, codec.schema), 256)
  const encoded = codec.encode(kind as 'CaptureLoss', value as never)
  builder.append({ timestamp: begin + at, key: Buffer.from('k'), value: encoded })
  const producer = await log.producer()
  await producer.append([{ topic, partition, batch: builder.take() }])
  await producer.close()
}

const moment = (at: number) => ({ time: (begin + at) * 1000, timeNanos: 0 })
const watermark = (at: number, host = 'a', final = false) => ({ ...moment(at), host, boot, final })
const loss = (at: number, cause: string, records: number) => ({
  ...moment(at),
  host: 'a',
  boot,
  cause,
  records,
  bytes: 1,
})

async function commit(group: string, offsets: [topic: string, partition: number, offset: number][]) {
  const producer = await log.producer({ transactionalId: group })
  const committed = offsets.map(([topic, partition, offset]) => ({ topic, partition, offset, metadata: '' }))
  await producer.commit({ group, batches: [], offsets: committed })
}

test('lag, delay, rate and errors of a part come of the log alone', async () => {
  for (const at of [1_000, 2_000, 3_000]) await append('syscalls', at, 'Watermark', watermark(at), 0)
  for (const at of [1_500, 2_500]) await append('syscalls', at, 'Watermark', watermark(at), 1)
  const letter = { part: 'http-parser', topic: 'syscalls', partition: 0, offset: 7, error: 'x', key: null, value: null }
  await append('dead-letters', 1_000, 'DeadLetter', letter)
  await commit('http-parser', [
    ['syscalls', 0, 2],
    ['syscalls', 1, 2],
  ])
  const [first, other] = (await reader.read()).parts
  expect(first).toEqual({
    part: 'http-parser',
    kind: 'processor',
    lag: 1,
    recordsPerSecond: null,
    delaySeconds: 8,
    errors: 1,
    inputs: [
      { topic: 'syscalls', partition: 0, committed: 2, end: 3 },
      { topic: 'syscalls', partition: 1, committed: 2, end: 2 },
    ],
  })
  expect(other).toMatchObject({ part: 'env-reader', lag: 0, delaySeconds: null, errors: 0, inputs: [] })

  await append('syscalls', 4_000, 'Watermark', watermark(4_000), 1)
  await append('dead-letters', 2_000, 'DeadLetter', letter)
  await commit('http-parser', [
    ['syscalls', 0, 3],
    ['syscalls', 1, 3],
  ])
  now += 500
  expect((await reader.read()).parts[0]).toMatchObject({ lag: 0, recordsPerSecond: 4, delaySeconds: 7.5, errors: 2 })
  now += 500
  expect((await reader.read()).parts[0]).toMatchObject({ recordsPerSecond: 0 })
})

test('hosts: how far each is known, whether it ended, and what was lost in the last minute', async () => {
  now = begin + 100_000
  await append('processes', 90_000, 'Watermark', watermark(90_000, 'b'))
  await append('processes', 95_000, 'Watermark', watermark(95_000))
  await append('processes', 99_000, 'Watermark', watermark(99_000, 'b', true))
  await append('syscalls', 1_000, 'CaptureLoss', loss(1_000, 'ring_full', 99))
  await append('syscalls', 70_000, 'CaptureLoss', loss(70_000, 'queue_full', 3))
  await append('syscalls', 80_000, 'CaptureLoss', loss(80_000, 'queue_full', 4))
  const status = await reader.read()
  expect(status.hosts).toEqual([
    { host: 'a', knownUpTo: begin + 95_000, ended: false, spoolBytes: null, lost: { queue_full: 7 } },
    { host: 'b', knownUpTo: begin + 99_000, ended: true, spoolBytes: null, lost: {} },
  ])
  now += 35_000
  expect((await reader.read()).hosts[0]?.lost).toEqual({ queue_full: 4 })
})

test('as tables', () => {
  const inputs = [{ topic: 't', partition: 0, committed: 1, end: 1 }]
  const part = { kind: 'processor' as const, lag: 0, recordsPerSecond: 12.4, delaySeconds: 0.25, errors: 0, inputs }
  const text = statusText({
    at: begin + 60_000,
    hosts: [{ host: 'a', knownUpTo: begin, ended: false, spoolBytes: 2048, lost: { ring_full: 2, queue_full: 0 } }],
    parts: [
      { ...part, part: 'one' },
      { ...part, part: 'two', lag: 5, recordsPerSecond: 0, delaySeconds: 700 },
      { ...part, part: 'three', lag: 5 },
      { ...part, part: 'four', recordsPerSecond: null, delaySeconds: null, inputs: [] },
    ],
  })
  expect(text).toBe(`PART   LAG  RECORDS/S  DELAY   ERRORS  STATE
one      0  12         0.3 s        0  caught up
two      5  0          12 min       0  not moving
three    5  12         0.3 s        0  working
four     0  -          -            0  never ran

HOST  HEARD  SPOOL    LOST         STATE
a     60 s   2.0 KiB  2 ring_full  capturing
`)
})

test('status looks beside what has run on the embedded log', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-status-'))
  try {
    await recordLog(folder)
    const env = {
      SYSCRIBE_DATA_DIR: folder,
      OUTPUT_PATH: join(folder, 'http.log'),
      ENV_OUTPUT_PATH: join(folder, 'env.yaml'),
    }
    expect((await command(['replay', 'http-parser'], env)).exitCode).toBe(0)
    const { exitCode, stdout, stderr } = await command(['status', '--once', '--json'], env)
    expect([exitCode, stderr]).toEqual([0, ''])
    const [status] = jsonLines(stdout)
    expect(status.parts.map(({ part, lag }: { part: string; lag: number }) => [part, lag])).toEqual(
      expect.arrayContaining([
        ['http-parser', 0],
        ['container-enricher', 0],
      ]),
    )
    expect(status.parts[0]).toMatchObject({ kind: 'processor', recordsPerSecond: 0, errors: 0 })
    const stop = new AbortController()
    const live = await command(['status'], env, stop.signal, (text) => {
      if (text.includes('http-parser')) stop.abort()
    })
    expect(live.exitCode).toBe(0)
    expect(live.stdout).toMatch(/^PART .*STATE$/m)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('projections of a cluster are known by what they say of themselves', async () => {
  const known = clusterParts(log, null)
  expect((await known()).map(({ part }) => part)).not.toContain('http-log@/a')
  const standing = {
    part: 'http-log@/a',
    projection: 'http-log',
    target: '/a',
    host: 'h',
    pid: 1,
    topics: ['traffic'],
    running: true,
    standsOn: [],
    build: null,
    answered: null,
    fault: null,
  }
  await append('control', 0, 'ProjectionStanding', standing)
  expect(await known()).toContainEqual({ part: 'http-log@/a', kind: 'projection' })
  const ofGroup = clusterParts(log, 'east')
  await append('control', 0, 'ProjectionStanding', { ...standing, part: 'east.http-log@/b' })
  expect((await ofGroup()).filter(({ kind }) => kind === 'projection')).toEqual([
    { part: 'http-log@/b', kind: 'projection' },
  ])
})
