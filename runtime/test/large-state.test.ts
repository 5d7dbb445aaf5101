import { createHash } from 'node:crypto'
import { type Log, openKafkaLog } from '@syscribe/log'
import pino from 'pino'
import { expect, test } from 'vitest'
import { createPipeline, type Processor, type StateFormat, topicSettings } from '../src/index.js'
import { StateTopic } from '../src/state-topic.js'
import { Appender, atEnd, batchesOf, engines, kafkaOptions, linesOf, namesOf, testLog, useKafka } from './test-log.js'
import { answer } from './test-parts.js'

useKafka()

const bytesAsTheyAre: StateFormat<Buffer> = { version: 1, encode: (value) => value, decode: Buffer.from }

/** Keeps as many bytes as records were lost, and says what it had kept before; a negative number is the length of a key. */
const keeper: Processor<Buffer> = {
  name: 'keeper',
  streams: ['syscalls'],
  tables: [],
  outputs: [{ topic: 'names', partition: 'input' }],
  state: bytesAsTheyAre,
  create: () => ({
    step(input, state, out) {
      const record = input.codec.decode(input.value)
      if (record.kind !== 'CaptureLoss') throw new Error(`unexpected ${record.kind}`)
      const { records } = record.value
      const before = state.get('kept')
      const name = before === undefined ? 'nothing' : told(before)
      out.emit('names', 'NameAnswer', answer(input.timestamp, name), Buffer.from('key'), input.timestamp)
      if (records < 0) state.set('k'.repeat(-records), Buffer.alloc(1))
      else if (records === 0) state.delete('kept')
      else state.set('kept', content(records))
    },
  }),
}

/** Bytes that differ from piece to piece. */
function content(length: number): Buffer {
  const bytes = Buffer.alloc(length, `${length} `)
  for (let at = 0; at + 4 <= length; at += 1000) bytes.writeUInt32LE(at, at)
  return bytes
}

function told(bytes: Buffer): string {
  return `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`
}

/** What it has said, without the watermarks. */
async function said(log: Log): Promise<string[]> {
  return (await namesOf(log)).filter((name) => !name.startsWith('<'))
}

/** Each loss to a pipeline of its own, which begins with the state that the one before has left. */
async function keep(log: Log, losses: readonly number[]): Promise<void> {
  const appender = await Appender.open(log)
  for (const [index, records] of losses.entries()) {
    const time = 1000 + 10 * index
    await appender.losses([[time, records]])
    await appender.watermark('syscalls', time + 5)
    const pipeline = await createPipeline({
      log,
      logger: pino({ level: 'silent' }),
      processors: [keeper],
      projections: [],
      // The state is written with every commit.
      policy: { checkpointMs: 0 },
    })
    atEnd(() => pipeline.close().catch(() => {}))
    await pipeline.drain()
    await pipeline.close()
  }
}

/** Larger than a batch of any engine, smaller again, gone, and there again. */
const lengths = [20_000_000, 900_000, 30, 0, 2_000_000, 1]

for (const engine of engines) {
  test(`state larger than any batch is kept over restarts: ${engine}`, async () => {
    const log = await testLog(engine)
    await keep(log, lengths)
    expect(await said(log)).toEqual([
      'nothing',
      ...lengths.slice(0, -1).map((length) => (length === 0 ? 'nothing' : told(content(length)))),
    ])
  }, 120_000)
}

async function narrowLog(): Promise<Log> {
  const log = await openKafkaLog({ ...kafkaOptions(), maxMessageBytes: 20_000 })
  atEnd(() => log.close())
  await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null }))
  return log
}

test('state is kept in a topic with a small limit', async () => {
  const log = await narrowLog()
  await keep(log, [300_000, 100, 50_000, 1])
  expect(await said(log)).toEqual(['nothing', ...[300_000, 100, 50_000].map((length) => told(content(length)))])
}, 120_000)

test('a key of the state that no record has room for is in dead-letters, and its processor goes on', async () => {
  const log = await testLog('kafka')
  await keep(log, [10, -70_000, -60_000, 20])
  expect((await said(log)).slice(-1)).toEqual([told(content(10))])
  const letters = await linesOf(log, 'dead-letters')
  expect(letters).toHaveLength(1)
  expect(letters[0]).toMatch(/record_too_large: a key of the state begins with \\"kkk.*and has more than 65000 bytes/)
}, 120_000)

test('a key of the state that its topic has no room for ends the processor, and the error says what to raise', async () => {
  const log = await narrowLog()
  await expect(keep(log, [10, -30_000])).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringMatching(
      /^1 bytes of state with the key "kkkk.*do not fit into topic keeper\.state, which takes records of 19872 bytes: raise its max\.message\.bytes$/,
    ),
  })
}, 120_000)

test('a state that takes the place of another leaves no piece of it', async () => {
  const log = await testLog('memory')
  const kept = await StateTopic.open(log, 'kept.state', 0, 1)
  const other = await StateTopic.open(log, 'other.state', 0, 1)
  const producer = await log.producer()
  const large = new Map([
    ['ka', content(2_000_000)],
    ['kb', content(3_000_000)],
    ['c', content(10)],
  ])
  await producer.append(await kept.replacedBy(log, large))
  expect(toldAll(await kept.newest(log))).toEqual(toldAll(large))
  const small = new Map([
    ['ka', content(1_000_000)],
    ['c', content(20)],
  ])
  await producer.append(await other.replacedBy(log, small))
  await producer.append(await kept.replacedBy(log, await other.newest(log)))
  expect(toldAll(await kept.newest(log))).toEqual(toldAll(small))
  const left = (await batchesOf(log, 'kept.state')).flatMap((batch) => [...batch])
  const there = new Map(left.map(({ key, value }) => [`${key}`, value]))
  expect([...there].flatMap(([key, value]) => (value === null ? [] : [key])).sort()).toEqual(['c', 'ka', 'm1/ka'])
})

/** Large buffers take long to compare. */
function toldAll(entries: ReadonlyMap<string, Buffer>): Map<string, string> {
  return new Map([...entries].map(([key, value]) => [key, told(value)]))
}
