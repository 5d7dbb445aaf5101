import { createHash } from 'node:crypto'
import type { PartitionBatch } from '@syscribe/log'
import { type KindRecord, TopicCodec, type TopicName } from '@syscribe/schemas'

/** When a collector was killed, microseconds since the Unix epoch: just before the signal, and when it had ended. */
export interface Death {
  from: number
  to: number
}

/** What raw topics must not show, in words; all of them empty when collectors that died have left them whole. */
export interface RawFaults {
  /** Records that are there twice. */
  twice: string[]
  /** Partitions that lack a round which others have: each round says its watermark to every partition. */
  halves: string[]
  /** Bytes of a connection that are missing though no collector died between those before and those after. */
  gaps: string[]
  /** Records that were dropped. */
  losses: string[]
}

type Io = KindRecord<'SocketIo'>

/** Looks through the raw topics of one host whose collectors died at `deaths`. */
export function rawFaults(batches: readonly PartitionBatch[], deaths: readonly Death[]): RawFaults {
  const faults: RawFaults = { twice: [], halves: [], gaps: [], losses: [] }
  const seen = new Set<string>()
  const rounds = new Map<string, string[]>()
  const streams = new Map<string, Io[]>()
  for (const { topic, partition, batch } of batches) {
    const place = `${topic}/${partition}`
    const codec = new TopicCodec(topic as TopicName)
    for (const { offset, key, value } of batch) {
      const { kind, value: record } = codec.decode(value as Buffer)
      const identity = `${place} ${createHash('sha256')
        .update(`${key}\n`)
        .update(value as Buffer)
        .digest('hex')}`
      if (seen.has(identity)) faults.twice.push(`${kind} at ${place}/${offset}`)
      seen.add(identity)
      if (kind === 'Watermark') {
        const { time, timeNanos, final } = record
        // Containers are known up to another time than system calls.
        const round = topic === 'containers' ? 'a round' : `${time}.${timeNanos}${final ? ' final' : ''}`
        rounds.set(place, [...(rounds.get(place) ?? []), round])
      } else if (kind === 'SocketIo') {
        const stream = `${record.connection.toString('hex')} ${record.pid} ${record.direction}`
        streams.set(stream, [...(streams.get(stream) ?? []), record])
      } else if (kind === 'CaptureLoss' && record.records > 0)
        faults.losses.push(`${record.records} records: ${record.cause}`)
    }
  }
  faults.halves = halves(rounds)
  for (const [stream, records] of streams) faults.gaps.push(...gaps(stream, records, deaths))
  return faults
}

function halves(rounds: ReadonlyMap<string, readonly string[]>): string[] {
  const all = [...rounds].filter(([place]) => !place.startsWith('containers/'))
  const [, first = []] = all[0] ?? []
  const faults = all.flatMap(([place, own]) => {
    const at = Math.max(own.length, first.length)
    const other = Array.from({ length: at }, (_, index) => index).find((index) => own[index] !== first[index])
    return other === undefined ? [] : [`${place}: ${own[other]} instead of ${first[other]} in round ${other}`]
  })
  for (const [place, own] of rounds) {
    if (own.length !== first.length) faults.push(`${place}: ${own.length} rounds of ${first.length}`)
  }
  return faults
}

function gaps(stream: string, records: readonly Io[], deaths: readonly Death[]): string[] {
  const faults: string[] = []
  let position = 0
  let before: Io | null = null
  for (const record of records) {
    const { time } = record
    const died = deaths.some(({ from, to }) => from <= time && (before === null || before.time <= to))
    const known = record.joinedLate && before === null
    if (record.position !== position && !known && !died) {
      faults.push(`${stream}: byte ${record.position} instead of ${position} at ${time}`)
    } else if (record.position < position) faults.push(`${stream}: byte ${record.position} again at ${time}`)
    position = record.position + record.length
    before = record
  }
  return faults
}
