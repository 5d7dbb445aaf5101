import type { RecordBatch } from './record-batch.js'

/**
 * The event log: topics of partitions of records, in Kafka's terms, so that an embedded store and a Kafka-compatible
 * broker answer alike. All errors are LogError with a code.
 */
export interface Log {
  readonly engine: 'memory' | 'embedded' | 'kafka'

  /**
   * Creates the topics that do not exist; those that do are checked.
   * @throws LogError `topic_mismatch` naming topic and setting, `invalid`, `read_only`.
   */
  createTopics(topics: readonly TopicSettings[]): Promise<void>
  /**
   * Changes how long a topic's records are kept; the other settings of a topic are for good.
   * @throws LogError `unknown_topic`, `invalid`, `read_only`
   */
  setRetention(topic: string, retention: Retention): Promise<void>
  /** Every topic with the offsets of its partitions now. */
  describeTopics(): Promise<TopicDescription[]>
  /** Drops a topic with its records and the offsets committed in it; no error when there is none. */
  deleteTopic(topic: string): Promise<void>
  /** Applies retention and compaction now; engines also do so by themselves. */
  clean(): Promise<void>

  /** Id of a topic's Avro schema, the same for the same text: written into batches so that readers find the writer's schema. From 1. */
  registerSchema(topic: string, schema: object): Promise<number>
  /** @throws LogError `unknown_schema` */
  schema(id: number): Promise<object>

  /** A plain or transactional producer. A second one of the same transactionalId fences the first. */
  producer(options?: ProducerOptions): Promise<Producer>
  /** Reads chosen partitions from chosen offsets; commits nothing. */
  reader(options?: ReaderOptions): Promise<Reader>
  /**
   * Joins a consumer group: partitions are shared among its members. Resolves after the first `onAssignment`.
   * @throws LogError `unknown_topic`; what its own `onAssignment` threw.
   */
  groupMember(options: GroupOptions): Promise<GroupMember>

  /** Committed offsets of a group, one entry for each partition that has one. */
  committed(group: string): Promise<CommittedOffset[]>
  /** Forgets a group. */
  deleteGroup(group: string): Promise<void>
  /** First offset whose record's timestamp is at or after `timestamp` (ms), or the end offset. */
  offsetForTime(topic: string, partition: number, timestamp: number): Promise<number>
  close(): Promise<void>
}

export interface TopicSettings extends Retention {
  topic: string
  partitions: number
  cleanup: 'delete' | 'compact'
}

/** How long the records of a topic are kept. */
export interface Retention {
  /**
   * Records older than this may go; null = kept for ever. Milliseconds of record timestamp against the partition's
   * newest. The newest batch always stays.
   */
  retentionMs: number | null
  /** Oldest batches go while the partition is larger; null = no limit. Bytes. */
  retentionBytes: number | null
}

export interface PartitionOffsets {
  partition: number
  /** Offset below which retention has removed the records. Compaction does not move it. */
  start: number
  /** Offset the next record gets. */
  end: number
  bytes: number
}

export interface TopicDescription extends TopicSettings {
  offsets: PartitionOffsets[]
  /** A record of more bytes, key and value together, is refused; left out where only batches have a limit. */
  maxRecordBytes?: number
}

export interface TopicPartition {
  topic: string
  partition: number
}

export interface CommittedOffset extends TopicPartition {
  /** Offset of the next record to read. */
  offset: number
  /** Anything the group keeps with its offset, at most 64 KiB; '' when none. */
  metadata: string
}

export interface ProducerOptions {
  /** Transactional: outputs and offsets commit together, and an older holder of the id is fenced. */
  transactionalId?: string
}

export interface Producer {
  /**
   * Appends durably; resolves when it is. Batches of one call are atomic on the embedded engine, one partition's batch
   * is on Kafka. Returns the base offset of each. The log owns the buffers from here on.
   * @throws LogError `unknown_topic`, `invalid`, `record_too_large`, `storage_full`, `fenced`, `read_only`,
   * `unavailable`, `closed`
   */
  append(batches: readonly PartitionBatch[]): Promise<number[]>
  /**
   * All of it or nothing, seen by readers at once when it commits. Only with a transactionalId. After `unavailable` on
   * Kafka it may have happened: go on with a new producer, from what that reads as `committed`.
   * @throws LogError as `append`; `record_too_large` also for metadata over 64 KiB.
   */
  commit(transaction: Transaction): Promise<void>
  /** Offsets committed for a group, read so that no transaction of this transactionalId's older holder can change them later. */
  committed(group: string): Promise<CommittedOffset[]>
  close(): Promise<void>
}

export interface PartitionBatch extends TopicPartition {
  batch: RecordBatch
}

export interface Transaction {
  batches: readonly PartitionBatch[]
  group: string
  offsets: readonly CommittedOffset[]
}

export interface ReaderOptions {
  /** Soft limit of bytes for one poll; one batch may exceed it. Default 1 MiB. */
  maxBytes?: number
  /**
   * A poll that does not wait gives what has been fetched, and asks for more in the background where that costs a request:
   * that it gives nothing may mean that there is nothing yet. `news` tells. Default false.
   */
  ahead?: boolean
}

/** A batch read from a partition. */
export interface FetchedBatch extends TopicPartition {
  /**
   * May begin before the offset asked for: skip records with a lower one. On Kafka it may hold no record, where
   * transactions have left only their markers.
   */
  batch: RecordBatch
  /** Offset to seek to after it. */
  nextOffset: number
}

export interface Reader {
  /**
   * Reads these partitions from these offsets on, and no others: what was assigned before is given up.
   * `offset` 'earliest' and 'latest' are resolved now.
   * @throws LogError `unknown_topic`, `closed`
   */
  assign(positions: readonly ReadPosition[]): Promise<void>
  /**
   * The next batches in offset order per partition, or none after `waitMs` (default 0) without news.
   * `only` limits this poll to some of the assigned partitions: back-pressure for the others. An aborted `signal` or
   * a `close` ends the wait with what there is. Polls move the positions only when they resolve.
   * @throws LogError `offset_out_of_range` when retention has passed the position, `corrupt`, `unavailable`, `closed`
   */
  poll(options?: { waitMs?: number; only?: readonly TopicPartition[]; signal?: AbortSignal }): Promise<FetchedBatch[]>
  /**
   * Whether the next poll has something to give, or to throw: as soon as it has, or false after `waitMs` or when `signal`
   * is aborted. Not while a poll runs. Engines that answer polls without a request leave it out.
   * @throws LogError `unavailable`, `closed`
   */
  news?(options: { waitMs: number; only?: readonly TopicPartition[]; signal: AbortSignal }): Promise<boolean>
  close(): Promise<void>
}

export interface ReadPosition extends TopicPartition {
  offset: number | 'earliest' | 'latest'
}

export interface GroupOptions {
  group: string
  /** Topics whose partitions are shared among the members; partition n of every one goes to the same member. */
  topics: readonly string[]
  /**
   * Called with all partitions of this member when some come or go; the work on lost ones must end before it resolves.
   * It must not wait for a join or close of the same group. When it rejects, the member is put out of the group, and
   * its `close` rejects with the same.
   */
  onAssignment(assigned: readonly TopicPartition[]): Promise<void>
  /** Called once when the member, after it had joined, is out of the group for good; its `close` rejects with the same. */
  onFailure?(error: unknown): void
}

export interface GroupMember {
  /** Leaves the group; its partitions move to the others. */
  close(): Promise<void>
}
