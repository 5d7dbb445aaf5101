import type { Log, PartitionBatch } from '@syscribe/log'

/** What the collector needs of a log: the log itself, or a spool in front of one that may be away. */
export interface RawLog extends Pick<Log, 'registerSchema'> {
  /** Other hosts may write the same partitions: what they have written waits for this one's watermarks. */
  readonly shared?: boolean
  describeTopics(): Promise<readonly { topic: string; partitions: number }[]>
  producer(): Promise<RawProducer>
}

export interface RawProducer {
  /**
   * Takes batches, all or none, and keeps their order.
   * @throws LogError `storage_full`, `unavailable`: to be tried again
   */
  append(batches: readonly PartitionBatch[]): Promise<unknown>
  /** Resolves when there may be room again where there was none; without it, time alone decides. */
  room?(): Promise<void>
  close(): Promise<void>
}
