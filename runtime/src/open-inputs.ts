import { type Log, LogError } from '@syscribe/log'
import type { TopicName } from '@syscribe/schemas'
import { InputPartition } from './input-partition.js'

/**
 * The inputs of one instance, each at its oldest record: one partition of every stream, all partitions of every table.
 * @param heldBytes how much of each may be held: policy `heldBytes`
 * @throws LogError `unknown_topic`
 */
export async function openInputs(
  log: Log,
  part: string,
  streams: readonly { topic: TopicName; partitions: readonly number[] | 'all' }[],
  tables: readonly TopicName[],
  heldBytes: number,
): Promise<InputPartition[]> {
  const described = new Map((await log.describeTopics()).map((topic) => [topic.topic, topic.offsets]))
  const offsetsOf = (topic: TopicName) => {
    const offsets = described.get(topic)
    if (offsets === undefined) throw new LogError('unknown_topic', `${part} reads topic ${topic}, which does not exist`)
    return offsets
  }
  return [
    ...streams.flatMap(({ topic, partitions }) => {
      const offsets = offsetsOf(topic)
      const chosen = partitions === 'all' ? offsets.map(({ partition }) => partition) : partitions
      return chosen.map((partition) => {
        const found = offsets.find((other) => other.partition === partition)
        if (found === undefined) {
          throw new LogError(
            'unknown_topic',
            `${part} reads partition ${partition} of topic ${topic}, which has ${offsets.length}`,
          )
        }
        return new InputPartition(topic, partition, false, found.start, heldBytes)
      })
    }),
    ...tables.flatMap((topic) =>
      offsetsOf(topic).map(({ partition, start }) => new InputPartition(topic, partition, true, start, heldBytes)),
    ),
  ]
}
