import type { CommittedOffset } from '@syscribe/log'
import type { SpoolPosition } from './sent-position.js'

/** What a collector commits with its records, as JSON in the metadata of one offset of its group. */
export interface SentMetadata extends SpoolPosition {
  /** How the collector was doing when it sent them. */
  notes?: {
    /** Milliseconds since the Unix epoch. */
    at: number
    /** Bytes that waited in the spool behind them. */
    waitingBytes: number
    /** Records lost since its start, by cause. */
    lost: Readonly<Record<string, number>>
  }
}

const place = { topic: 'syscalls', partition: 0, offset: 0 }

export function writePosition(metadata: SentMetadata): CommittedOffset {
  return { ...place, metadata: JSON.stringify(metadata) }
}

/** Undefined when the collector of this group never sent anything. */
export function readPosition(committed: readonly CommittedOffset[]): SentMetadata | undefined {
  const found = committed.find(({ topic, partition }) => topic === place.topic && partition === place.partition)
  return found === undefined || found.metadata === '' ? undefined : (JSON.parse(found.metadata) as SentMetadata)
}
