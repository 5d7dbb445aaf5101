import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Log, openEmbeddedLog } from '@syscribe/log'
import { TopicCodec, type TopicName, type TopicRecord } from '@syscribe/schemas'
import pino from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Collector, collectorTopics, startCollector } from '../src/index.js'

const profile = `collector-${process.pid}`
let directory: string
let log: Log
let server: Server
let collector: Collector | undefined

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'syscribe-collector-'))
  log = await openEmbeddedLog({ path: directory })
  const settings = { partitions: 1, cleanup: 'delete' as const, retentionMs: null, retentionBytes: null }
  await log.createTopics(collectorTopics.map((topic) => ({ topic, ...settings })))
  server = createServer((_, response) => response.end('answer')).listen(0, '127.0.0.1')
})
afterEach(async () => {
  await collector?.stop()
  collector = undefined
  server.close()
  await log.close()
  rmSync(directory, { recursive: true })
})

async function recordsOf<T extends TopicName>(topic: T): Promise<TopicRecord<T>[]> {
  const codec = new TopicCodec(topic)
  const reader = await log.reader()
  await reader.assign([{ topic, partition: 0, offset: 'earliest' }])
  const records: TopicRecord<T>[] = []
  for (;;) {
    const fetched = await reader.poll()
    if (fetched.length === 0) break
    for (const { batch } of fetched) {
      for (const { value } of batch) records.push(codec.decode(Buffer.from(value as Buffer)))
    }
  }
  await reader.close()
  return records
}

test('a short-lived client is in the log with process, connection, payload and a final watermark', async () => {
  collector = await startCollector({
    log,
    logger: pino({ level: 'silent' }),
    config: {
      host: 'test-host',
      allowedProfiles: [profile],
      environmentPrefixes: ['ADI_', 'KEEP_'],
      captureLimit: 1 << 20,
      ringBytes: 16 << 20,
      queueBytes: 64 << 20,
      hook: 'auto',
    },
  })
  const { port } = server.address() as AddressInfo
  const env = { PATH: process.env.PATH, ADI_PROFILE: profile, KEEP_A: 'yes', DROP_B: 'no' }
  await once(spawn('curl', ['-s', `http://127.0.0.1:${port}/short`], { env, stdio: 'ignore' }), 'exit')
  await collector.stop()

  const processes = await recordsOf('processes')
  const seen = processes.flatMap((record) => (record.kind === 'ProcessSeen' ? [record.value] : []))
  expect(seen).toHaveLength(1)
  expect(seen[0]).toMatchObject({ host: 'test-host', reason: 'exec', comm: 'curl', profile })
  expect(seen[0]?.environment?.toString().split('\0').sort()).toEqual(['', `ADI_PROFILE=${profile}`, 'KEEP_A=yes'])
  expect(processes.some(({ kind }) => kind === 'ProcessExited')).toBe(true)

  const syscalls = await recordsOf('syscalls')
  const io = syscalls.flatMap((record) =>
    record.kind === 'SocketIo' && record.value.transport === 'tcp' ? [record.value] : [],
  )
  expect(io.map(({ direction, role }) => [direction, role])).toEqual([
    ['send', 'client'],
    ['recv', 'client'],
  ])
  expect(io[0]).toMatchObject({ position: 0, remotePort: port, missing: 'none', pid: seen[0]?.pid })
  expect(io[0]?.payload.toString()).toContain('GET /short HTTP/1.1')
  expect(io[1]?.payload.toString()).toContain('answer')
  const kinds = syscalls.map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'ConnectionOpened')).toHaveLength(1)
  expect(kinds.filter((kind) => kind === 'ConnectionClosed')).toHaveLength(1)
  for (const topic of collectorTopics) {
    expect((await recordsOf(topic)).at(-1)).toMatchObject({ kind: 'Watermark', value: { final: true } })
  }
})

test('capture starts under a storm of signals: a profiler is one', async () => {
  const script = `
    import { openCapture } from '${new URL('../dist/native.js', import.meta.url)}'
    const capture = openCapture({ host: 'h', boot: Buffer.alloc(16) })
    capture.close()
    console.log('captured')`
  const child = spawn(process.execPath, [
    '--cpu-prof',
    `--cpu-prof-dir=${directory}`,
    '--cpu-prof-interval=100',
    '--input-type=module',
    '-e',
    script,
  ])
  let output = ''
  child.stdout.on('data', (text) => {
    output += text
  })
  await once(child, 'close')
  expect(output).toBe('captured\n')
})
