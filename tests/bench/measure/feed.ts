import type { Log, PartitionBatch } from '@syscribe/log'
import { withSchemas } from './another-host.js'

/** Bytes of one append, softly: as the collector sends what waits. */
const appendBytes = 2 << 20

/** Groups of batches in order, of about so many bytes each. */
export function groupsOf<T extends Pick<PartitionBatch, 'batch'>>(batches: readonly T[], bytes = appendBytes): T[][] {
  const groups: T[][] = []
  let size = bytes
  for (const each of batches) {
    if (size >= bytes) {
      groups.push([])
      size = 0
    }
    groups.at(-1)?.push(each)
    size += each.batch.byteLength
  }
  return groups
}

/** Appends raw batches to a log. */
export async function feed(log: Log, batches: readonly PartitionBatch[]): Promise<void> {
  const producer = await log.producer()
  for (const group of groupsOf(await withSchemas(log, batches))) await producer.append(group)
  await producer.close()
}

/** Batches of several hosts as a cluster gets them at the same time: in turns. */
export function inTurns(hosts: readonly (readonly PartitionBatch[])[]): PartitionBatch[] {
  const longest = Math.max(...hosts.map(({ length }) => length))
  return Array.from({ length: longest }, (_, index) => hosts.flatMap((batches) => batches[index] ?? [])).flat()
}
