import { createHash } from 'node:crypto'
import { BatchBuilder, type LogRecord, type PartitionBatch, partitionForKey } from '@syscribe/log'
import { type KindRecord, TopicCodec, type TopicKind } from '@syscribe/schemas'
import { copyOf } from './recorded-raw.js'

const rawTopics = ['processes', 'containers', 'syscalls'] as const
type RawTopic = (typeof rawTopics)[number]

const codecs = {
  processes: new TopicCodec('processes'),
  containers: new TopicCodec('containers'),
  syscalls: new TopicCodec('syscalls'),
}

/**
 * A recorded log as another host's collector would have written it into topics of so many partitions: other host and
 * boot in every record, other connections, the same rounds. Batches have no schema: `withSchemas` gives it to them.
 * @param later whole milliseconds by which all of it happens later
 */
export function asHost(
  recorded: readonly PartitionBatch[],
  host: string,
  partitions: number,
  later = 0,
): PartitionBatch[] {
  const boot = createHash('md5').update(host).digest()
  return recorded.flatMap(({ topic, batch }) => {
    const builders = Array.from({ length: partitions }, () => new BatchBuilder(0, 16 * 1024))
    for (const record of batch) {
      const { timestamp, ...moved } = movedRecord(topic as RawTopic, record, { host, boot, later })
      const to =
        moved.kind === 'Watermark'
          ? builders
          : [builders[partitionForKey(moved.partitionKey, partitions)] as BatchBuilder]
      for (const builder of to) builder.append({ timestamp, key: moved.key, value: moved.value })
    }
    return builders.flatMap((builder, partition) =>
      builder.count === 0 ? [] : [{ topic, partition, batch: builder.take() }],
    )
  })
}

interface Move {
  host: string
  boot: Buffer
  later: number
}

function movedRecord<T extends RawTopic>(topic: T, record: LogRecord, { host, boot, later }: Move) {
  const codec = codecs[topic] as unknown as TopicCodec<T>
  const { kind, value } = codec.decode(record.value as Buffer)
  const before = value as { host: string; boot: Buffer; time: number; connection?: Buffer }
  const connection = before.connection === undefined ? {} : { connection: otherConnection(before.connection, boot) }
  const text = record.key?.toString('latin1') ?? ''
  const key =
    connection.connection ??
    Buffer.from(text.replace(before.host, host).replace(before.boot.toString('hex'), boot.toString('hex')), 'latin1')
  // A process's records are told apart by what follows its own key, and lie together.
  const partitionKey = topic === 'processes' ? key.subarray(0, key.lastIndexOf('/')) : key
  const after = { ...before, host, boot, time: before.time + 1000 * later, ...connection } as unknown as KindRecord<
    TopicKind<T>
  >
  return {
    timestamp: record.timestamp + later,
    kind: kind as string,
    key,
    partitionKey,
    value: codec.encode(kind, after),
  }
}

function otherConnection(connection: Buffer, boot: Buffer): Buffer {
  return Buffer.from(connection.map((byte, index) => byte ^ (boot[index] as number)))
}

/** Batches of their own with the schemas of a log, ready to be appended there. */
export async function withSchemas(
  log: { registerSchema(topic: string, schema: object): Promise<number> },
  batches: readonly PartitionBatch[],
): Promise<PartitionBatch[]> {
  const ids = new Map<string, number>()
  for (const topic of rawTopics) ids.set(topic, await log.registerSchema(topic, codecs[topic].schema))
  return batches.map(({ topic, partition, batch }) => {
    const own = copyOf(batch)
    own.schemaId = ids.get(topic) as number
    return { topic, partition, batch: own }
  })
}
