import { BatchBuilder, openKafkaLog, type PartitionBatch, type RecordBatch } from '@syscribe/log'
import { topicSettings } from '@syscribe/runtime'
import { Kafka, logLevel } from 'kafkajs'
import { withSchemas } from './another-host.js'
import { groupsOf } from './feed.js'
import { median } from './median.js'
import { processCost } from './process-cost.js'
import { fixed } from './table.js'

export interface SendOptions {
  brokers: readonly string[]
  brokerPid: number
  prefix: string
  /** Of the topic `syscalls`. */
  batches: readonly PartitionBatch[]
  partitions: number
  rounds: number
  /** How often the batches are sent in one measurement. */
  times: number
  /** Events in one record of the packed variant. */
  packed: number
}

/** Records of one `send` of kafkajs. */
const sendRecords = 1000
/** What stands before the value of each record: the frame that the engine adds. */
const frame = Buffer.from('c3010000000000000000', 'hex')

interface Figures {
  rate: number
  megabytes: number
  clientMicros: number
  brokerMicros: number
}

/**
 * Events a second from packed batches to acknowledged by the broker, each way in turn: the engine as the collector sends,
 * the engine's plain producer, bare kafkajs, and the engine with several events in one record.
 */
export async function sendRate(options: SendOptions): Promise<{ rows: Record<string, string>[]; eventBytes: number }> {
  const { brokers, brokerPid, prefix, batches, partitions, rounds, times, packed } = options
  const log = await openKafkaLog({ brokers, prefix })
  await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null, partitions }))
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })
  const bare = kafka.producer({ idempotent: true, maxInFlightRequests: partitions })
  await bare.connect()
  const plain = await log.producer()
  const inTransactions = await log.producer({ transactionalId: 'bench' })

  const lanes = Array.from({ length: partitions }, (_, partition) =>
    batches.filter((each) => each.partition === partition),
  )
  const messages = lanes.map((lane, partition) =>
    lane.flatMap(({ batch }) =>
      [...batch].map(({ key, value, timestamp }) => ({
        key,
        value: Buffer.concat([frame, value as Buffer]),
        timestamp: `${timestamp}`,
        partition,
      })),
    ),
  )
  const events = times * batches.reduce((sum, { batch }) => sum + batch.count, 0)
  const bytes = times * messages.flat().reduce((sum, { key, value }) => sum + (key?.length ?? 0) + value.length, 0)
  const fewer = lanes.flatMap((lane, partition) =>
    lane.map(({ topic, batch }) => ({ topic, partition, batch: packedTogether(batch, packed) })),
  )

  const commitAll = async (groups: PartitionBatch[][]) => {
    for (const group of groups) await inTransactions.commit({ batches: group, group: 'bench', offsets: [] })
  }
  const repeated = async (from: readonly PartitionBatch[]) => {
    const all: PartitionBatch[] = []
    for (let time = 0; time < times; time++) all.push(...(await withSchemas(log, from)))
    return all
  }
  const ways: Record<string, () => Promise<() => Promise<unknown>>> = {
    "engine, transactions of 2 MiB as the collector's": async () => {
      const groups = groupsOf(await repeated(batches))
      return () => commitAll(groups)
    },
    'engine, plain producer, a lane for each partition': async () => {
      const own = await repeated(batches)
      const grouped = lanes.map((_, lane) =>
        groupsOf(
          own.filter(({ partition }) => partition === lane),
          512 << 10,
        ),
      )
      return () =>
        Promise.all(
          grouped.map(async (groups) => {
            for (const group of groups) await plain.append(group)
          }),
        )
    },
    'kafkajs, idempotent, a lane for each partition': async () => () =>
      Promise.all(
        messages.map(async (lane) => {
          for (let time = 0; time < times; time++) {
            for (let at = 0; at < lane.length; at += sendRecords) {
              await bare.send({ topic: `${prefix}syscalls`, messages: lane.slice(at, at + sendRecords) })
            }
          }
        }),
      ),
    [`engine, transactions, ${packed} events in a record`]: async () => {
      const groups = groupsOf(await repeated(fewer))
      return () => commitAll(groups)
    },
  }
  const found = new Map<string, Figures[]>(Object.keys(ways).map((name) => [name, []]))
  for (let round = -1; round < rounds; round++) {
    for (const [name, prepare] of Object.entries(ways)) {
      const send = await prepare()
      const cpu = process.cpuUsage()
      const broker = processCost(brokerPid).cpuSeconds
      const began = performance.now()
      await send()
      const seconds = (performance.now() - began) / 1000
      const { user, system } = process.cpuUsage(cpu)
      // The first round warms up compilers, here and in the broker.
      if (round < 0) continue
      found.get(name)?.push({
        rate: events / seconds,
        megabytes: bytes / seconds / 1e6,
        clientMicros: (user + system) / events,
        brokerMicros: (1e6 * (processCost(brokerPid).cpuSeconds - broker)) / events,
      })
    }
  }
  await Promise.all([bare.disconnect(), plain.close(), inTransactions.close()])
  await log.close()
  const of = (name: string, figure: keyof Figures) => median((found.get(name) ?? []).map((each) => each[figure]))
  const names = Object.keys(ways)
  const kafkajs = of(names[2] as string, 'rate')
  const rows = names.map((name) => ({
    way: name,
    'thousand events/s': fixed(of(name, 'rate') / 1000, 0),
    'MB/s': fixed(of(name, 'megabytes'), 0),
    'of kafkajs': fixed(of(name, 'rate') / kafkajs, 2),
    'client µs CPU an event': fixed(of(name, 'clientMicros'), 2),
    'broker µs CPU an event': fixed(of(name, 'brokerMicros'), 2),
  }))
  return { rows, eventBytes: bytes / events }
}

/** The same bytes in fewer records: what packing events of one connection together could save at the most. */
function packedTogether(batch: RecordBatch, size: number): RecordBatch {
  const builder = new BatchBuilder(0, batch.byteLength + 64)
  const records = [...batch]
  for (let at = 0; at < records.length; at += size) {
    const some = records.slice(at, at + size)
    const [first] = some as [(typeof some)[number]]
    const value = Buffer.concat(some.map((record) => record.value as Buffer))
    builder.append({ timestamp: first.timestamp, key: first.key, value })
  }
  return builder.take()
}
