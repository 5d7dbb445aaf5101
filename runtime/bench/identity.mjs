// What the runtime costs per record: processors that copy each record, on the embedded engine, against reading alone.
// Build first (npx tsc -b runtime), then: node runtime/bench/identity.mjs [records]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatchBuilder, createMemoryLog, openEmbeddedLog } from '@syscribe/log'
import { TopicCodec } from '@syscribe/schemas'
import pino from 'pino'
import { createPipeline, topicSettings } from '../dist/index.js'

const records = Number(process.argv[2] ?? 1_000_000)
const perBatch = 500
const folder = mkdtempSync(join(tmpdir(), 'syscribe-identity-'))
const log = await openEmbeddedLog({ path: folder })
await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null }))

const codec = new TopicCodec('syscalls')
const schemaId = await log.registerSchema('syscalls', codec.schema)
const host = 'h'
const boot = Buffer.alloc(16)
const value = codec.encode('CaptureLoss', {
  time: 1e15,
  timeNanos: 0,
  host: 'h'.repeat(260),
  boot,
  cause: 'other',
  records: 1,
  bytes: 1,
})
const key = Buffer.alloc(8, 1)
const producer = await log.producer()
const time = 1_700_000_000_000
for (let n = 0; n < records; n += perBatch) {
  const builder = new BatchBuilder(schemaId, 256 * 1024)
  for (let index = 0; index < perBatch; index++) builder.append({ timestamp: time + n / perBatch, key, value })
  await producer.append([{ topic: 'syscalls', partition: 0, batch: builder.take() }])
}
for (const topic of ['syscalls', 'processes', 'containers']) {
  const topicCodec = new TopicCodec(topic)
  const builder = new BatchBuilder(await log.registerSchema(topic, topicCodec.schema), 1024)
  const mark = { time: (time + records) * 1000, timeNanos: 0, host, boot, final: true }
  builder.append({ timestamp: time + records, key: Buffer.from('w'), value: topicCodec.encode('Watermark', mark) })
  await producer.append([{ topic, partition: 0, batch: builder.take() }])
}

const state = { version: 1, encode: () => Buffer.alloc(0), decode: () => null }
const copier = (name, streams, tables, topic) => ({
  name,
  streams,
  tables,
  outputs: [{ topic, partition: 'input' }],
  state,
  create: () => ({
    step(input, _, out) {
      const bytes = input.value
      out.emitEncoded(topic, input.key, input.timestamp, bytes.length, (buffer, position) => {
        if (position + bytes.length > buffer.length) return buffer.length - position - bytes.length
        bytes.copy(buffer, position)
        return position + bytes.length
      })
    },
  }),
})
const counter = (topics) => ({
  name: 'counter',
  topics,
  state,
  open: async () => {
    let bytes = 0
    return {
      apply: (input) => {
        bytes += input.value.length
      },
      flush: async () => String(bytes),
      close: async () => {},
    }
  },
})

async function measure(name, processors, projections, from = log) {
  const cpu = process.cpuUsage()
  const started = performance.now()
  const pipeline = await createPipeline({ log: from, processors, projections, logger: pino({ level: 'warn' }) })
  await pipeline.drain()
  await pipeline.close()
  const { user, system } = process.cpuUsage(cpu)
  const ms = performance.now() - started
  const micros = ((user + system) / records).toFixed(2)
  process.stdout.write(`${name.padEnd(44)} ${micros} us CPU/record  ${Math.round((records / ms) * 1000)} records/s\n`)
}

const settings = { rawPayload: true }
{
  const cpu = process.cpuUsage()
  const started = performance.now()
  const reader = await log.reader()
  await reader.assign([{ topic: 'syscalls', partition: 0, offset: 'earliest' }])
  let count = 0
  for (;;) {
    const fetched = await reader.poll()
    if (fetched.length === 0) break
    for (const { batch } of fetched) for (const record of batch) count += record.value === null ? 0 : 1
  }
  const { user, system } = process.cpuUsage(cpu)
  const ms = performance.now() - started
  process.stdout.write(
    `${'reading alone'.padEnd(44)} ${((user + system) / count).toFixed(2)} us CPU/record  ${Math.round((count / ms) * 1000)} records/s\n`,
  )
}
await measure('projection that counts', [], [{ projection: counter(['syscalls']), target: 'a', settings }])
await measure('processor, one input, copies', [copier('one', ['syscalls'], [], 'http')], [])
await measure(
  'processor, three inputs merged, copies',
  [copier('three', ['syscalls'], ['processes', 'containers'], 'connections')],
  [],
)
await log.close()
rmSync(folder, { recursive: true })

// The same records by turns from two hosts, one 5 s behind: each waits for the other's watermark, 10 a second.
const shared = createMemoryLog()
await shared.createTopics(topicSettings({ retentionBytes: null, retentionMs: null }))
const sharedId = await shared.registerSchema('syscalls', codec.schema)
const sharedProducer = await shared.producer()
for (let n = 0; n < records; n += perBatch) {
  const behind = (n / perBatch) % 2 === 1
  // 5,000 records a second of each host.
  const at = time + Math.floor(n / 10) - (behind ? 5_000 : 0)
  const builder = new BatchBuilder(sharedId, 256 * 1024)
  for (let index = 0; index < perBatch; index++) builder.append({ timestamp: at + Math.floor(index / 5), key, value })
  const mark = {
    time: (at + perBatch / 5) * 1000,
    timeNanos: 0,
    host: behind ? 'b' : 'a',
    boot,
    final: n + 2 * perBatch >= records,
  }
  builder.append({ timestamp: at + perBatch / 5, key: Buffer.from('w'), value: codec.encode('Watermark', mark) })
  await sharedProducer.append([{ topic: 'syscalls', partition: 0, batch: builder.take() }])
}
await measure('processor, one input of two hosts, copies', [copier('two-hosts', ['syscalls'], [], 'http')], [], shared)
await measure(
  'projection of two hosts, counts',
  [],
  [{ projection: counter(['syscalls']), target: 'b', settings }],
  shared,
)
await shared.close()
