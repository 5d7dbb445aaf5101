import type { WireReader, WireWriter } from './wire.js'

/** Writes partitions as requests name them: a topic once, then its partitions, each with what `write` adds to its number. */
export function writePartitions<T extends { topic: string; partition: number }>(
  to: WireWriter,
  items: readonly T[],
  write: (item: T) => void,
): WireWriter {
  return to.array(byTopic(items), (group) =>
    to.string(group.topic).array(group.items, (item) => {
      to.int32(item.partition)
      write(item)
    }),
  )
}

/** Reads partitions as answers name them, in their order; `read` begins behind the partition's number. */
export function readPartitions<T>(from: WireReader, read: (topic: string, partition: number) => T): T[] {
  const items: T[] = []
  from.array(() => {
    const topic = from.string()
    from.array(() => items.push(read(topic, from.int32())))
  })
  return items
}

/** Keeps the order of topics and of partitions. */
function byTopic<T extends { topic: string }>(items: readonly T[]): { topic: string; items: T[] }[] {
  const topics = new Map<string, T[]>()
  for (const item of items) {
    const list = topics.get(item.topic)
    if (list === undefined) topics.set(item.topic, [item])
    else list.push(item)
  }
  return [...topics].map(([topic, items]) => ({ topic, items }))
}
