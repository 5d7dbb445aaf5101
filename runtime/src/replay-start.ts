import type { Log } from '@syscribe/log'

/** From where a replay reads each partition: the oldest record, the first at or after a time (ms), or an offset. */
export type ReplayStart = 'earliest' | { time: number } | { offset: number }

/** Where a replay ends: the first record at or after a time (ms), or an offset, is not taken. */
export type ReplayEnd = Exclude<ReplayStart, 'earliest'>

/** That place as an offset, never outside of what the log keeps. `input.next` is the oldest record's. */
export async function startOffset(
  log: Log,
  input: { topic: string; partition: number; next: number },
  start: ReplayStart,
): Promise<number> {
  if (start === 'earliest') return input.next
  if ('time' in start) return Math.max(input.next, await log.offsetForTime(input.topic, input.partition, start.time))
  const described = (await log.describeTopics()).find(({ topic }) => topic === input.topic)
  const end = described?.offsets.find(({ partition }) => partition === input.partition)?.end ?? input.next
  return Math.min(Math.max(input.next, start.offset), end)
}
