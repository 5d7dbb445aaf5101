import { readFile } from 'node:fs/promises'
import { BatchBuilder, createMemoryLog, type LogRecord, type PartitionBatch } from '@syscribe/log'
import { TopicCodec, type TopicName, topicNames, topics } from '@syscribe/schemas'
import { asHost } from '../bench/measure/another-host.js'
import { recordingPath } from '../fixtures/recording.js'
import { importRaw } from '../harness/recorded-log.js'

/** Milliseconds between the beginnings of two hosts: the recording lasts longer, so the next begins before one ends. */
const hostEveryMs = 1537

const rawTopics = topicNames.filter((name) => topics[name].writer === 'collector')

/**
 * The recording as of so many hosts, one beginning a while after the other, in topics of so many partitions: rounds of
 * about as many records each, in the order of time in every partition, as collectors that work at the same time append
 * them. The batches have no schema yet.
 */
export async function rawRounds(options: {
  hosts: number
  partitions: number
  rounds: number
}): Promise<PartitionBatch[][]> {
  const recorded = await readRecording()
  const all: (LogRecord & { topic: string; partition: number })[] = []
  for (let host = 0; host < options.hosts; host++) {
    const moved = recorded.map((each) => ({ ...each, batch: later(each, host * hostEveryMs) }))
    let reached = new Map<string, number>()
    for (const { topic, partition, batch } of asHost(moved, `host-${host}`, options.partitions)) {
      for (const record of batch) {
        // A host's own records keep their order, also where one has a time before that of the one it follows.
        const place = `${topic} ${partition}`
        const timestamp = Math.max(record.timestamp, reached.get(place) ?? 0)
        reached = reached.set(place, timestamp)
        all.push({ ...record, timestamp, topic, partition })
      }
    }
  }
  all.sort((a, b) => a.timestamp - b.timestamp)
  const size = Math.ceil(all.length / options.rounds)
  return Array.from({ length: options.rounds }, (_, round) => batchesOf(all.slice(round * size, (round + 1) * size)))
}

function batchesOf(records: readonly (LogRecord & { topic: string; partition: number })[]): PartitionBatch[] {
  const builders = new Map<string, { topic: string; partition: number; builder: BatchBuilder }>()
  for (const { topic, partition, ...record } of records) {
    const place = `${topic} ${partition}`
    const found = builders.get(place) ?? { topic, partition, builder: new BatchBuilder() }
    builders.set(place, found)
    found.builder.append(record)
  }
  return [...builders.values()].map(({ topic, partition, builder }) => ({ topic, partition, batch: builder.take() }))
}

/** The raw topics of the recording, in this version's schemas. */
async function readRecording(): Promise<(PartitionBatch & { topic: TopicName })[]> {
  const log = createMemoryLog()
  await importRaw(await readFile(recordingPath), log)
  const reader = await log.reader()
  const found: (PartitionBatch & { topic: TopicName })[] = []
  for (const topic of rawTopics) {
    await reader.assign([{ topic, partition: 0, offset: 'earliest' }])
    for (let fetched = await reader.poll(); fetched.length > 0; fetched = await reader.poll()) {
      for (const { batch } of fetched) found.push({ topic, partition: 0, batch })
    }
  }
  await log.close()
  return found
}

/** The same records with all their times so many milliseconds later. */
function later({ topic, batch }: PartitionBatch & { topic: TopicName }, ms: number) {
  const codec = new TopicCodec(topic)
  const builder = new BatchBuilder()
  for (const { timestamp, key, value } of batch) {
    const record = codec.decode(value as Buffer)
    const moved = record.value as { time: number; from?: number; to?: number | null }
    for (const field of ['time', 'from', 'to'] as const) {
      const time = moved[field]
      if (typeof time === 'number') moved[field] = time + ms * 1000
    }
    builder.append({ timestamp: timestamp + ms, key, value: codec.encode(record.kind, record.value) })
  }
  return builder.take()
}
