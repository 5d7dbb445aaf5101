import { openKafkaLog } from '@syscribe/log'
import pino from 'pino'
import { expect, test } from 'vitest'
import { createPipeline, type Processor, topicSettings } from '../src/index.js'
import { Appender, atEnd, kafkaOptions, linesOf, namesOf, useKafka } from './test-log.js'
import { answer, numberState } from './test-parts.js'

useKafka()

/** Writes a name of as many letters as records were lost, between two short ones. */
const lengths: Processor<{ count: number }> = {
  name: 'lengths',
  streams: ['syscalls'],
  tables: [],
  outputs: [{ topic: 'names', partition: 'input' }],
  state: numberState,
  create: () => ({
    step(input, _state, out) {
      const record = input.codec.decode(input.value)
      if (record.kind !== 'CaptureLoss') throw new Error(`unexpected ${record.kind}`)
      const { records } = record.value
      for (const name of [`before ${records}`, 'x'.repeat(records), `after ${records}`]) {
        out.emit('names', 'NameAnswer', answer(input.timestamp, name), Buffer.from('key'), input.timestamp)
      }
    },
  }),
}

test('what is too large for a topic with a small limit is in dead-letters with why, and its processor goes on', async () => {
  const log = await openKafkaLog({ ...kafkaOptions(), maxMessageBytes: 20_000 })
  atEnd(() => log.close())
  await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null }))
  const appender = await Appender.open(log)
  await appender.losses([
    [1000, 1],
    [1001, 30_000],
    [1002, 15_000],
  ])
  await appender.watermark('syscalls', 2000, 'a', true)
  const pipeline = await createPipeline({
    log,
    logger: pino({ level: 'silent' }),
    processors: [lengths],
    projections: [],
  })
  await pipeline.drain()
  await pipeline.close()
  const names = (await namesOf(log)).map((name) => (name.startsWith('x') ? `${name.length} x` : name))
  expect(names.slice(0, 8)).toEqual([
    ...['before 1', '1 x', 'after 1'],
    ...['before 30000', 'after 30000'],
    ...['before 15000', '15000 x', 'after 15000'],
  ])
  const letters = await linesOf(log, 'dead-letters')
  expect(letters).toHaveLength(1)
  expect(letters[0]).toMatch(/record_too_large: a record of 30\d\d\d bytes for topic names is over the limit of 19872/)
}, 120_000)
