import type { TopicName } from '@syscribe/schemas'

/** One running instance of a processor or a projection. Its methods are called one at a time. */
export interface Stage {
  /** The processor's name, or `<projection>@<target>`. */
  readonly part: string
  readonly partition: number
  /** How old the oldest event of the last commit was at that commit, milliseconds; 0 before the first. */
  readonly behindMs: number
  /**
   * Takes in what is there, up to a bound, and commits what came of it.
   * Returns how many records were taken or fetched: 0 when there was nothing to do.
   */
  round(): Promise<number>
  /** After a round that returned 0: whether the log holds nothing more for it now. A broker's answer may have been late. */
  exhausted(): Promise<boolean>
  /**
   * Whether the next round finds something in the log: as soon as it does, or false after `waitMs` or when `signal` is
   * aborted. Null where the log has to be watched for it.
   */
  readonly news: ((options: { waitMs: number; signal: AbortSignal }) => Promise<boolean>) | null
  /** There was nothing to do: does what is due by time. Returns in how many milliseconds it wants to be called again. */
  settle(): Promise<number>
  /** Commits everything taken so far, with a checkpoint. */
  flush(): Promise<void>
  /** The inputs hold nothing more, for good: nothing is waited for any longer. Rounds may release records after it. */
  end(): void
  /** All released after `end`: states the final watermark. */
  finish(): Promise<void>
  /** Flushes and lets go of everything. */
  close(): Promise<void>
  /** Lets go of everything after a fault, without a commit. */
  abandon(): Promise<void>
  /** Where it stands in each input. */
  positions(): StagePosition[]
}

export interface StagePosition {
  topic: TopicName
  partition: number
  /** Offset of the first record not stepped. */
  next: number
  /** Every record below this offset has been stepped, or waits for the watermark of another host. */
  reached: number
}

/** How a stage is run. Every field has a default. */
export interface StagePolicy {
  /** Bytes fetched ahead for each input, softly. Default 1 MiB. */
  aheadBytes?: number
  /** Records of one round. Default 50,000. */
  roundRecords?: number
  /** A processor writes its changed state after this time, milliseconds. Default 5,000. */
  checkpointMs?: number
  /** Or after this many bytes of input. Default 64 MiB. */
  checkpointBytes?: number
  /**
   * The outputs of a processor's instance go out this far apart, milliseconds; further where that takes long. Default 0;
   * 50 on Kafka, less than the collectors' batches are apart: each batch then runs through all parts without a rest.
   */
  outputSpacingMs?: number
  /**
   * Watermarks with no other output are appended without a transaction; the offsets behind them are committed later.
   * Default false; true on Kafka.
   */
  watermarksAlone?: boolean
  /** A projection flushes and commits after this time, milliseconds. Default 250; 100 on Kafka, where a line has waited longer. */
  commitMs?: number
  /** Or after this many bytes of input. Default 4 MiB. */
  commitBytes?: number
  /**
   * Where several hosts write one partition, records wait for the slowest host; no more than this of a partition, bytes:
   * then it is waited for no longer. Default 64 MiB. It decides the order of a partition that reaches it.
   */
  heldBytes?: number
  /** How often a replay looks whether it has caught up, milliseconds. Default 500. */
  replayCheckMs?: number
}

/** What differs where every transaction costs brokers several requests. */
export const brokerPolicy: StagePolicy = { outputSpacingMs: 50, watermarksAlone: true, commitMs: 100 }

export const defaultPolicy: Required<StagePolicy> = {
  aheadBytes: 1024 * 1024,
  roundRecords: 50_000,
  checkpointMs: 5_000,
  checkpointBytes: 64 * 1024 * 1024,
  outputSpacingMs: 0,
  watermarksAlone: false,
  commitMs: 250,
  commitBytes: 4 * 1024 * 1024,
  heldBytes: 64 * 1024 * 1024,
  replayCheckMs: 500,
}
