/**
 * The Kafka engine against bare kafkajs on one broker, in one run and in turns, so that what else the machine does falls
 * on both: `node log/bench/kafka.mjs [messages] [rounds]`. Prints one line of JSON: thousands of messages a second.
 */
import { randomBytes } from 'node:crypto'
import { BatchBuilder, openKafkaLog, RecordCursor } from '@syscribe/log'
import { testBroker } from '@syscribe/test-broker'
import { Kafka, logLevel } from 'kafkajs'

const [messages = 200_000, rounds = 3] = process.argv.slice(2).map(Number)
const batchMessages = 1000
const valueBytes = 300
const partitions = 4
const batches = messages / batchMessages

const broker = await testBroker()
const prefix = `bench-${randomBytes(4).toString('hex')}.`
const log = await openKafkaLog({ brokers: broker.brokers, prefix })
const kafka = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING })
const value = Buffer.alloc(valueBytes, 'x')

/** Thousands a second, and CPU of this process in µs a message. */
async function measured(work) {
  const cpu = process.cpuUsage()
  const began = performance.now()
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { rate: messages / (performance.now() - began), cpu: (user + system) / messages }
}

const packed = () => {
  const builder = new BatchBuilder(0, batchMessages * (valueBytes + 32))
  for (let index = 0; index < batchMessages; index++) {
    builder.append({ timestamp: Date.now(), key: Buffer.from(`${index}`), value })
  }
  return builder.take()
}
const plain = () =>
  Array.from({ length: batchMessages }, (_, index) => ({ key: `${index}`, value, timestamp: String(Date.now()) }))

const found = {}
const note = (name, result) => {
  found[name] = [...(found[name] ?? []), result]
}

for (let round = 0; round < rounds; round++) {
  const [ours, theirs] = [`ours-${round}`, `theirs-${round}`]
  const settings = { partitions, cleanup: 'delete', retentionMs: null, retentionBytes: null }
  await log.createTopics([ours, theirs].map((topic) => ({ topic, ...settings })))

  const producer = await log.producer()
  const inputs = Array.from({ length: batches }, packed)
  note(
    'engine append',
    await measured(async () => {
      let next = 0
      const lane = async () => {
        for (let index = next++; index < batches; index = next++) {
          await producer.append([{ topic: ours, partition: index % partitions, batch: inputs[index] }])
        }
      }
      await Promise.all(Array.from({ length: 4 }, lane))
    }),
  )
  await producer.close()

  const bare = kafka.producer({ idempotent: true, maxInFlightRequests: 4 })
  await bare.connect()
  const lists = Array.from({ length: batches }, plain)
  note(
    'kafkajs send',
    await measured(async () => {
      let next = 0
      const lane = async () => {
        for (let index = next++; index < batches; index = next++) {
          const partition = index % partitions
          await bare.send({
            topic: prefix + theirs,
            messages: lists[index].map((message) => ({ ...message, partition })),
          })
        }
      }
      await Promise.all(Array.from({ length: 4 }, lane))
    }),
  )
  await bare.disconnect()

  const reader = await log.reader({ maxBytes: 1024 * 1024 })
  await reader.assign(
    Array.from({ length: partitions }, (_, partition) => ({ topic: ours, partition, offset: 'earliest' })),
  )
  note(
    'engine poll',
    await measured(async () => {
      const cursor = new RecordCursor()
      let seen = 0
      while (seen < messages) {
        for (const { batch } of await reader.poll({ waitMs: 1000 })) {
          cursor.reset(batch)
          while (cursor.next()) seen++
        }
      }
    }),
  )
  await reader.close()

  const consumer = kafka.consumer({ groupId: `${prefix}group-${round}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topics: [prefix + theirs], fromBeginning: true })
  await new Promise((resolve, reject) => {
    let seen = 0
    let begin = () => {}
    const started = new Promise((go) => {
      begin = go
    })
    void measured(async () => {
      await started
      await new Promise((done) => {
        consumer.run({
          eachBatch: async ({ batch }) => {
            seen += batch.messages.length
            if (seen >= messages) done()
          },
        })
      })
    }).then((result) => resolve(note('kafkajs eachBatch', result)), reject)
    begin()
  })
  await consumer.disconnect()
}
for (const { topic } of await log.describeTopics()) await log.deleteTopic(topic)
await log.close()
await broker.stop()

const best = Object.fromEntries(
  Object.entries(found).map(([name, results]) => [
    name,
    {
      rate: Math.max(...results.map(({ rate }) => rate)),
      cpu: Math.min(...results.map(({ cpu }) => cpu)),
    },
  ]),
)
const ratio = (one, other) => Number((best[one].rate / best[other].rate).toFixed(2))
process.stdout.write(
  `${JSON.stringify({
    ...Object.fromEntries(
      Object.entries(best).map(([name, { rate, cpu }]) => [
        name,
        { thousandPerSecond: Math.round(rate), cpuMicroseconds: Number(cpu.toFixed(2)) },
      ]),
    ),
    ratios: {
      append: ratio('engine append', 'kafkajs send'),
      poll: ratio('engine poll', 'kafkajs eachBatch'),
    },
  })}\n`,
)
process.exit(0)
