import { gunzipSync, gzipSync } from 'node:zlib'
import { type Log, RecordBatch } from '@syscribe/log'
import { topicSettings } from '@syscribe/runtime'
import { topics } from '@syscribe/schemas'

// A recorded raw log as one file that any machine reads: gzip over one JSON line per batch, then its bytes. The first
// line has the schemas, so a reader with newer ones still reads it.

interface Head {
  schemas: Record<string, object>
}

interface BatchLine {
  topic: string
  partition: number
  bytes: number
}

const rawTopics = Object.entries(topics)
  .filter(([, topic]) => topic.writer === 'collector')
  .map(([name]) => name)

/** The raw topics of a log. */
export async function exportRaw(log: Log): Promise<Buffer> {
  const reader = await log.reader()
  const described = (await log.describeTopics()).filter(({ topic }) => rawTopics.includes(topic))
  await reader.assign(
    described.flatMap(({ topic, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 'earliest' as const })),
    ),
  )
  const head: Head = { schemas: {} }
  const parts: Buffer[] = []
  for (;;) {
    const fetched = await reader.poll()
    if (fetched.length === 0) break
    for (const { topic, partition, batch } of fetched) {
      head.schemas[batch.schemaId] ??= await log.schema(batch.schemaId)
      const line: BatchLine = { topic, partition, bytes: batch.buffer.length }
      parts.push(Buffer.from(`${JSON.stringify(line)}\n`), Buffer.from(batch.buffer))
    }
  }
  await reader.close()
  return gzipSync(Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...parts]), { level: 9 })
}

/** Writes a recording into an empty log. */
export async function importRaw(recording: Buffer, log: Log): Promise<void> {
  await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null }))
  const content = gunzipSync(recording)
  let at = 0
  const line = <T>(): T => {
    const end = content.indexOf('\n', at)
    const value = JSON.parse(content.toString('utf8', at, end)) as T
    at = end + 1
    return value
  }
  const { schemas } = line<Head>()
  const producer = await log.producer()
  while (at < content.length) {
    const { topic, partition, bytes } = line<BatchLine>()
    const batch = new RecordBatch(Buffer.from(content.subarray(at, at + bytes)))
    at += bytes
    batch.schemaId = await log.registerSchema(topic, schemas[batch.schemaId] as object)
    await producer.append([{ topic, partition, batch }])
  }
  await producer.close()
}
