import { openKafkaLog, RecordCursor } from '@syscribe/log'
import { Kafka, logLevel } from 'kafkajs'
import { median } from './median.js'
import { fixed } from './table.js'

export interface ReadOptions {
  brokers: readonly string[]
  prefix: string
  /** A topic that is there and no longer grows. */
  topic: string
  rounds: number
}

interface Seen {
  records: number
  bytes: number
  seconds: number
  cpuSeconds: number
}

/** Reads a topic whole, each way in turn: our reader, walking every record, and a kafkajs consumer that does nothing. */
export async function readRate({ brokers, prefix, topic, rounds }: ReadOptions): Promise<Record<string, string>[]> {
  const log = await openKafkaLog({ brokers, prefix })
  const described = (await log.describeTopics()).find((each) => each.topic === topic)
  if (described === undefined) throw new Error(`no topic ${topic}`)
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })

  const ours = async (): Promise<Seen> => {
    const reader = await log.reader()
    const left = new Map(
      described.offsets.filter(({ start, end }) => end > start).map((each) => [each.partition, each.end]),
    )
    await reader.assign([...left.keys()].map((partition) => ({ topic, partition, offset: 'earliest' })))
    const since = watch()
    const cursor = new RecordCursor()
    let [records, bytes] = [0, 0]
    while (left.size > 0) {
      for (const { partition, batch, nextOffset } of await reader.poll({ waitMs: 1000 })) {
        cursor.reset(batch)
        while (cursor.next()) records++
        bytes += batch.byteLength
        if (nextOffset >= (left.get(partition) ?? 0)) left.delete(partition)
      }
    }
    const seen = { records, bytes, ...since() }
    await reader.close()
    return seen
  }

  const theirs = async (round: number, records: number): Promise<Seen> => {
    const consumer = kafka.consumer({ groupId: `${prefix}bare-${round}`, maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topics: [`${prefix}${topic}`], fromBeginning: true })
    const seen = await new Promise<Seen>((resolve, reject) => {
      let since: ReturnType<typeof watch> | undefined
      let [counted, first] = [0, 0]
      const eachBatch = async ({ batch }: { batch: { messages: unknown[] } }) => {
        counted += batch.messages.length
        // Joining is not reading: the clock runs from the first batch on, which does not count.
        if (since === undefined) {
          since = watch()
          first = counted
        }
        if (counted >= records) resolve({ records: counted - first, bytes: 0, ...since() })
      }
      consumer.run({ autoCommit: false, eachBatch }).catch(reject)
    })
    await consumer.disconnect()
    return seen
  }

  const found: { ours: Seen[]; theirs: Seen[] } = { ours: [], theirs: [] }
  for (let round = -1; round < rounds; round++) {
    const our = await ours()
    const their = await theirs(round, our.records)
    their.bytes = (our.bytes * their.records) / our.records
    // The first round warms up.
    if (round < 0) continue
    found.ours.push(our)
    found.theirs.push(their)
  }
  await log.close()
  const speed = (seen: Seen[]) => median(seen.map(({ bytes, seconds }) => bytes / seconds / 1e6))
  const row = (what: string, seen: Seen[]) => ({
    what,
    'MB/s': fixed(speed(seen), 0),
    'thousand records/s': fixed(median(seen.map(({ records, seconds }) => records / seconds / 1e3)), 0),
    'µs CPU a record': fixed(median(seen.map(({ records, cpuSeconds }) => (1e6 * cpuSeconds) / records)), 2),
    ratio: fixed(speed(seen) / speed(found.theirs), 2),
  })
  return [row('engine, every record walked', found.ours), row('kafkajs eachBatch that does nothing', found.theirs)]
}

function watch(): () => { seconds: number; cpuSeconds: number } {
  const cpu = process.cpuUsage()
  const began = performance.now()
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    return { seconds: (performance.now() - began) / 1000, cpuSeconds: (user + system) / 1e6 }
  }
}
