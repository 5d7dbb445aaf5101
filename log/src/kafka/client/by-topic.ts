/** Requests name a topic once, then its partitions. Keeps the order of topics and of partitions. */
export function byTopic<T extends { topic: string }>(items: readonly T[]): { topic: string; items: T[] }[] {
  const topics = new Map<string, T[]>()
  for (const item of items) {
    const list = topics.get(item.topic)
    if (list === undefined) topics.set(item.topic, [item])
    else list.push(item)
  }
  return [...topics].map(([topic, items]) => ({ topic, items }))
}
