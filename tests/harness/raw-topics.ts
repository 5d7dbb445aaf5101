import { BatchBuilder, type Log, openEmbeddedLog, type PartitionBatch, type RecordBatch } from '@syscribe/log'
import { topicSettings } from '@syscribe/runtime'
import { topicNames, topics } from '@syscribe/schemas'
import { withSchemas } from '../bench/measure/another-host.js'

/** The topics that collectors write. */
const rawTopics = topicNames.filter((name) => topics[name].writer === 'collector')

/** All that is in the raw topics of a log now, each partition in order. */
export async function readRaw(log: Log): Promise<PartitionBatch[]> {
  const found: PartitionBatch[] = []
  const reader = await log.reader()
  for (const { topic, offsets } of await log.describeTopics()) {
    if (!rawTopics.some((raw) => raw === topic)) continue
    for (const { partition, end } of offsets) {
      await reader.assign([{ topic, partition, offset: 'earliest' }])
      for (let next = 0; next < end; ) {
        for (const { batch, nextOffset } of await reader.poll({ waitMs: 1000 })) {
          if (batch.count > 0) found.push({ topic, partition, batch: withoutGaps(batch) })
          next = nextOffset
        }
      }
    }
  }
  await reader.close()
  return found
}

/** The same records, to be appended elsewhere: a batch from a compacted topic cannot be. */
function withoutGaps(batch: RecordBatch): RecordBatch {
  const builder = new BatchBuilder(batch.schemaId, batch.byteLength)
  for (const record of batch) builder.append(record)
  const same = builder.take()
  same.baseOffset = batch.baseOffset
  return same
}

/** Writes raw topics of so many partitions, of this version's schemas, into a new data directory: for `syscribe derive`. */
export async function writeRaw(dataDir: string, batches: readonly PartitionBatch[], partitions: number): Promise<void> {
  const log = await openEmbeddedLog({ path: dataDir })
  try {
    await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null, partitions }))
    const producer = await log.producer()
    for (const batch of await withSchemas(log, batches)) await producer.append([batch])
    await producer.close()
  } finally {
    await log.close()
  }
}
