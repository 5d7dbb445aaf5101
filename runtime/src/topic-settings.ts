import type { TopicSettings } from '@syscribe/log'
import { topicNames, topics } from '@syscribe/schemas'

/** What the settings of topics depend on. */
export interface TopicOptions {
  /** Bytes of a partition of a topic that is kept by time and size; null: no limit. */
  retentionBytes: number | null
  /** Milliseconds; null: for ever. */
  retentionMs: number | null
  /** Partitions of each topic, 1 in the embedded engine. */
  partitions?: number
}

/** Partitions, cleaning and retention of every topic of the catalogue, for Log.createTopics. */
export function topicSettings(options: TopicOptions): TopicSettings[] {
  return topicNames.map((topic) => {
    const { cleanup } = topics[topic]
    const compacted = cleanup === 'compact'
    return {
      topic,
      // What the runtime could not take is rare and read by people: one place to look. So is what it agrees upon.
      partitions: topic === 'dead-letters' || topic === 'control' ? 1 : (options.partitions ?? 1),
      cleanup,
      // A compacted topic is what is known now: it is kept whole, whatever its age.
      retentionMs: compacted ? null : options.retentionMs,
      retentionBytes: compacted ? null : options.retentionBytes,
    }
  })
}
