/** How a system stands, as its log tells it: what parts have committed, against what its topics hold. */
export interface SystemStatus {
  /** Milliseconds since the Unix epoch. */
  at: number
  hosts: HostStatus[]
  parts: PartStanding[]
}

export interface HostStatus {
  host: string
  /** Event time up to which everything of this host is in the log, milliseconds since the Unix epoch. */
  knownUpTo: number
  /** Its capture was ended in order. */
  ended: boolean
  /** Bytes that wait in its spool; null where there is none, as in the embedded log. */
  spoolBytes: number | null
  /** Records lost since its collector started, by cause; in the embedded log, in the last minute. */
  lost: Record<string, number>
}

export interface PartStanding {
  /** The consumer group. */
  part: string
  kind: 'processor' | 'projection'
  /** Records in its inputs that it has not committed. */
  lag: number
  /** Records committed a second since the status before; null in the first. */
  recordsPerSecond: number | null
  /** Age of the newest record that it has committed in every one of its inputs, seconds; null before its first commit. */
  delaySeconds: number | null
  /** Records that it could not take: they are in the topic dead-letters. */
  errors: number
  inputs: { topic: string; partition: number; committed: number; end: number }[]
}
