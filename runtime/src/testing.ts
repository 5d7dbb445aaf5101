import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatchBuilder, createMemoryLog, type Log } from '@syscribe/log'
import { blankRecord, type PartialRecord, TopicCodec, type TopicKind, type TopicName } from '@syscribe/schemas'
import { pino } from 'pino'
import type { Projection } from './projection.js'
import { replayInto } from './replay-into.js'
import { topicSettings } from './topic-settings.js'

/** A record for a test: the fields that matter; the others are empty. */
export type TestRecord = {
  [T in TopicName]: {
    [K in TopicKind<T>]: {
      topic: T
      kind: K
      value: PartialRecord<K>
      /** Milliseconds since the Unix epoch; default the time of the record before, at first 0. */
      timestamp?: number
      key?: string
    }
  }[TopicKind<T>]
}[TopicName]

/**
 * What a projection writes of these records: its output file's content. They pass a log in memory, encoded and decoded
 * like any; an exception of `apply` is thrown, not made a dead letter.
 */
export async function outputOf<S>(projection: Projection<S>, records: readonly TestRecord[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'syscribe-projection-'))
  const log = createMemoryLog()
  try {
    await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null }))
    await append(log, records)
    const target = join(folder, 'output')
    const logger = pino({ level: 'silent' })
    await replayInto({ log, projection: strict(projection), target, settings: { rawPayload: true }, logger })
    return await readFile(target, 'utf8')
  } finally {
    await log.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function append(log: Log, records: readonly TestRecord[]): Promise<void> {
  const producer = await log.producer()
  let timestamp = 0
  for (const { topic, kind, value, key = '', ...record } of records) {
    timestamp = record.timestamp ?? timestamp
    const codec = new TopicCodec(topic)
    const batch = new BatchBuilder(await log.registerSchema(topic, codec.schema), 1024)
    const encode = codec.encode as (kind: string, value: unknown) => Buffer
    batch.append({ timestamp, key: Buffer.from(key), value: encode.call(codec, kind, blankRecord(kind, value)) })
    await producer.append([{ topic, partition: 0, batch: batch.take() }])
  }
  await producer.close()
}

/** The runtime goes on after a record that a projection cannot take; a test is to fail. */
function strict<S>(projection: Projection<S>): Projection<S> {
  return {
    ...projection,
    async open(target, metadata, settings) {
      const instance = await projection.open(target, metadata, settings)
      let fault: { error: unknown } | undefined
      return {
        apply(input, state) {
          try {
            instance.apply(input, state)
          } catch (error) {
            fault ??= { error }
          }
        },
        flush: async (state, last) => {
          if (fault !== undefined) throw fault.error
          return instance.flush(state, last)
        },
        close: () => instance.close(),
      }
    },
  }
}
