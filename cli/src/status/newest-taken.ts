import { type Log, RecordCursor } from '@syscribe/log'

/** Offsets of a partition have gaps where transactions ended: the record before a commit lies some way back. */
const backwards = 16
/** A partition may hold more there than one answer brings. */
const attempts = 4

/**
 * The timestamp of the last record before each offset, milliseconds; undefined where there is none near.
 * @param places partitions, each with an offset that was committed in it
 */
export async function newestTaken(
  log: Log,
  places: readonly { topic: string; partition: number; committed: number; start: number }[],
): Promise<(number | undefined)[]> {
  const times = places.map((): number | undefined => undefined)
  const wanted = places.filter(({ committed, start }) => committed > start)
  if (wanted.length === 0) return times
  const reader = await log.reader({ maxBytes: 64 * 1024 })
  try {
    await reader.assign(
      wanted.map(({ topic, partition, committed, start }) => ({
        topic,
        partition,
        offset: Math.max(start, committed - backwards),
      })),
    )
    const cursor = new RecordCursor()
    const open = new Set(wanted)
    for (let attempt = 0; attempt < attempts && open.size > 0; attempt++) {
      const fetched = await reader.poll({ only: [...open], waitMs: attempt === 0 ? 500 : 0 })
      if (fetched.length === 0) break
      for (const { topic, partition, batch, nextOffset } of fetched) {
        const place = wanted.find((one) => one.topic === topic && one.partition === partition)
        if (place === undefined) continue
        cursor.reset(batch)
        while (cursor.next() && cursor.offset < place.committed) times[places.indexOf(place)] = cursor.timestamp
        if (nextOffset >= place.committed) open.delete(place)
      }
    }
    return times
  } finally {
    await reader.close()
  }
}
