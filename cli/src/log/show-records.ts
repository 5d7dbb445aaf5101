import type { FetchedBatch, Log, LogRecord } from '@syscribe/log'
import { type TopicName, topics } from '@syscribe/schemas'
import { CliError } from '../cli-error.js'
import { BatchDecoder } from './batch-decoder.js'
import { checkFilters } from './check-filters.js'
import type { RecordFilter } from './record-filter.js'
import { bytesJson, type Json } from './record-json.js'
import { resolveStart, type StartPosition } from './start-position.js'

export interface ShowOptions {
  topic: string
  /** Undefined: all. */
  partition: number | undefined
  from: StartPosition
  /** Stop after so many records shown. */
  limit: number
  filters: readonly RecordFilter[]
  /** Show Watermark records too. */
  watermarks: boolean
  /** Wait for more at the end. */
  follow: boolean
  signal: AbortSignal
}

const followWaitMs = 500
/** So many polls in a row without news from brokers: what is left to the end is not committed, or compacted away. */
const quietPolls = 20

/**
 * Gives the records of a topic, one JSON value each, in offset order per partition.
 * @throws CliError when there is no such topic, partition or field of a filter, LogError
 */
export async function* showRecords(log: Log, options: ShowOptions): AsyncGenerator<Json> {
  const { topic, signal } = options
  const partitions = await chosenPartitions(log, topic, options.partition)
  checkFilters(options.filters, topic, options.watermarks)
  if (options.limit <= 0) return
  const positions = await Promise.all(
    partitions.map(async (partition) => ({
      topic,
      partition: partition.partition,
      offset: await resolveStart(log, topic, partition, options.from),
    })),
  )
  const ends = new Map(partitions.map(({ partition, end }) => [partition, end]))
  const reached = (partition: number) => {
    const position = positions.find((candidate) => candidate.partition === partition)
    return position === undefined || position.offset >= (ends.get(partition) ?? 0)
  }
  const reader = await log.reader()
  const decoder = new BatchDecoder(log)
  // A broker's answer may be late; the embedded log gives at once what there is.
  const waits = options.follow || log.engine === 'kafka'
  let quiet = 0
  let shown = 0
  try {
    await reader.assign(positions.map((position) => ({ ...position })))
    while (!signal.aborted) {
      if (!options.follow && partitions.every(({ partition }) => reached(partition))) return
      const batches: FetchedBatch[] = await reader.poll({ waitMs: waits ? followWaitMs : 0, signal })
      quiet = batches.length === 0 ? quiet + 1 : 0
      if (!options.follow && quiet >= (waits ? quietPolls : 1)) return
      for (const fetched of batches) {
        const position = positions.find((candidate) => candidate.partition === fetched.partition)
        const from = position?.offset ?? 0
        if (position !== undefined) position.offset = fetched.nextOffset
        for (const record of fetched.batch) {
          if (record.offset < from) continue
          const json = await shownRecord(decoder, fetched, record)
          if (!options.watermarks && isWatermark(json)) continue
          if (!options.filters.every((filter) => filter.matches(json))) continue
          yield json
          if (++shown >= options.limit) return
        }
      }
    }
  } finally {
    await reader.close()
  }
}

async function chosenPartitions(log: Log, topic: string, chosen: number | undefined) {
  const known = await log.describeTopics()
  const description = known.find((candidate) => candidate.topic === topic)
  if (description === undefined) {
    const names = known.map((candidate) => candidate.topic).join(', ')
    throw new CliError('usage', `no topic ${JSON.stringify(topic)} in this log; there is ${names || 'none'}`)
  }
  if (chosen === undefined) return description.offsets
  const found = description.offsets.filter(({ partition }) => partition === chosen)
  if (found.length === 0) {
    throw new CliError('usage', `topic ${topic} has no partition ${chosen}, only 0 to ${description.partitions - 1}`)
  }
  return found
}

function isWatermark(record: Json): boolean {
  return typeof record === 'object' && record !== null && !Array.isArray(record) && record.kind === 'Watermark'
}

async function shownRecord(decoder: BatchDecoder, fetched: FetchedBatch, record: LogRecord): Promise<Json> {
  const { topic, partition, batch } = fetched
  return {
    topic,
    partition,
    offset: record.offset,
    timestamp: new Date(record.timestamp).toISOString(),
    key: record.key === null ? null : keyJson(topic, record.key),
    ...(record.value === null ? { kind: null, value: null } : await decoder.decode(batch.schemaId, record.value)),
  }
}

/** Connection ids are numbers whatever their bytes look like. */
function keyJson(topic: string, key: Buffer): Json {
  const catalogued = topic in topics ? topics[topic as TopicName].key : undefined
  if (catalogued === 'connection') return key.toString('hex')
  const text = bytesJson(key)
  return typeof text === 'string' && /^[\x20-\x7e]*$/.test(text) ? text : key.toString('hex')
}
