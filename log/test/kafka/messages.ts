import { randomBytes } from 'node:crypto'
import { type IHeaders, Kafka, type KafkaMessage, logLevel } from 'kafkajs'

export interface SeenMessage {
  key: Buffer | null
  value: Buffer | null
  headers: IHeaders | undefined
  timestamp: string
  offset: string
}

/** The first messages of a topic as another client sees them. */
export async function messagesOf(
  { brokers }: { brokers: string[] },
  topic: string,
  count: number,
): Promise<SeenMessage[]> {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: `messages-${randomBytes(6).toString('hex')}` })
  const seen: KafkaMessage[] = []
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        eachMessage: async ({ message }) => {
          seen.push(message)
          if (seen.length === count) resolve()
        },
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return seen.slice(0, count).map(({ key, value, headers, timestamp, offset }) => ({
    key,
    value,
    headers,
    timestamp,
    offset,
  }))
}
