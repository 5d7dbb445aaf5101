import type { Log } from '@syscribe/log'
import type { Processor } from './processor.js'
import { RuntimeError } from './runtime-error.js'

/**
 * The partitions a processor has instances for.
 * @throws RuntimeError `parts_invalid` when its streams have not the same number of partitions.
 */
export async function partitionsOf<S>(log: Log, { name, streams }: Processor<S>): Promise<number[]> {
  const counts = new Map((await log.describeTopics()).map(({ topic, partitions }) => [topic as string, partitions]))
  const first = streams[0]
  if (first === undefined) return [0]
  for (const topic of streams) {
    const count = counts.get(topic)
    if (count === undefined)
      throw new RuntimeError('parts_invalid', `${name} reads topic ${topic}, which does not exist`)
    if (count !== counts.get(first)) {
      const message = `${name} reads ${first} and ${topic} by partition, but they have ${counts.get(first)} and ${count}`
      throw new RuntimeError('parts_invalid', message)
    }
  }
  return Array.from({ length: counts.get(first) as number }, (_, partition) => partition)
}
