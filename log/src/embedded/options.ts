import type { LogError } from '../errors.js'

export interface EmbeddedLogOptions {
  /** The data directory; made, with mode 0700, when there is none. */
  path: string
  /** Reads what another opener writes; several may, in any process. */
  readOnly?: boolean
  /**
   * What this opener writes; it reads both. A collector that writes `raw` and a derivation that writes `derived` may be
   * two threads or two processes, and neither waits for the other's commits. Default `both`.
   */
  writes?: 'both' | 'raw' | 'derived'
  /**
   * Which topics are raw when they are created; they stay where they are. Default: those that the topic catalogue
   * says the collector writes. Committed offsets are always on the derived side, so transactions are for derived topics.
   */
  rawTopics?: (topic: string) => boolean
  /** Address space for each side's file, bytes. More is mapped when a file outgrows it. Default 64 GiB. */
  mapSize?: number
  /** Larger batches are refused; at most, and by default, 15 MiB. */
  maxBatchBytes?: number
  /** How often retention and compaction run by themselves, ms; 0 = only by `clean`. Default 30 s. */
  cleanIntervalMs?: number
  /** How long compaction keeps tombstones: ms of record timestamp against the partition's newest. Default one day. */
  tombstoneMs?: number
  /** A partition is compacted by itself when this many bytes, and half its compacted part, have come since. Default 4 MiB. */
  compactionBytes?: number
  /** Told when retention or compaction, run by itself, fails; it is tried again at the next interval. */
  onCleanFault?: (fault: LogError) => void
}
