import type { Log, TopicDescription } from '@syscribe/log'
import { table } from '../table.js'
import type { Json } from './record-json.js'

/** Topics with what they hold, as a table. */
export function topicsTable(topics: readonly TopicDescription[]): string {
  const rows = topics.map((topic) => [
    topic.topic,
    topic.partitions,
    topic.offsets.reduce((sum, { start, end }) => sum + end - start, 0),
    topic.offsets.map(({ start }) => start).join(','),
    topic.offsets.map(({ end }) => end).join(','),
    sizeText(topic.offsets.reduce((sum, { bytes }) => sum + bytes, 0)),
    keptText(topic),
  ])
  return table(['TOPIC', 'PARTITIONS', 'RECORDS', 'START', 'END', 'SIZE', 'KEPT'], rows)
}

export async function topicsJson(log: Log): Promise<Json[]> {
  return (await log.describeTopics()) as unknown as Json[]
}

function keptText(topic: TopicDescription): string {
  if (topic.cleanup === 'compact') return 'newest of each key'
  const limits = [
    ...(topic.retentionMs === null ? [] : [`${topic.retentionMs / 3_600_000} h`]),
    ...(topic.retentionBytes === null ? [] : [sizeText(topic.retentionBytes)]),
  ]
  return limits.length === 0 ? 'for ever' : limits.join(', ')
}

export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = bytes === 0 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}
