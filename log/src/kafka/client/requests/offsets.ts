import { checkCode } from '../fault.js'
import { readPartitions, writePartitions } from '../partitions.js'
import type { WireRequest } from '../wire.js'

export const earliest = -2
export const latest = -1

export interface OffsetQuestion {
  topic: string
  partition: number
  /** ms, or `earliest` or `latest`. */
  timestamp: number
}

export interface OffsetAnswer {
  topic: string
  partition: number
  code: number
  /** -1 when no record is that young. */
  offset: number
}

/** Offsets of partitions that one broker leads, by time; `latest` is the end of what is committed. */
export function listOffsetsRequest(questions: readonly OffsetQuestion[]): WireRequest<OffsetAnswer[]> {
  return {
    name: 'ListOffsets',
    apiKey: 2,
    apiVersion: 2,
    write: (to) => {
      to.int32(-1).int8(1)
      writePartitions(to, questions, ({ timestamp }) => to.int64(timestamp))
    },
    read: (from) => {
      from.int32()
      return readPartitions(from, (topic, partition) => {
        const code = from.int16()
        from.int64()
        return { topic, partition, code, offset: from.int64() }
      })
    },
  }
}

export interface GroupOffset {
  topic: string
  partition: number
  offset: number
  metadata: string
}

/**
 * What a group has committed. Offsets of a transaction that has not ended yet are waited for (`require_stable`,
 * KIP-447): the fault is UNSTABLE_OFFSET_COMMIT until then.
 */
export function offsetFetchRequest(group: string): WireRequest<GroupOffset[]> {
  return {
    name: 'OffsetFetch',
    apiKey: 9,
    apiVersion: 7,
    oldest: 6,
    write: (to, version) => {
      to.noTags().compactString(group)
      to.compactArray<string>(null, () => undefined)
      if (version >= 7) to.boolean(true)
      to.noTags()
    },
    read: (from) => {
      from.skipTags()
      from.int32()
      let unstable = 0
      const offsets = from
        .compactArray(() => {
          const topic = from.compactString() ?? ''
          const partitions = from.compactArray(() => {
            const [partition, offset] = [from.int32(), from.int64()]
            from.int32()
            const metadata = from.compactString() ?? ''
            const code = from.int16()
            if (code !== 0) unstable = code
            from.skipTags()
            return { topic, partition, offset, metadata }
          })
          from.skipTags()
          return partitions
        })
        .flat()
      checkCode(from.int16(), `offsets of group ${group}`)
      checkCode(unstable, `offsets of group ${group}`)
      return offsets.filter(({ offset }) => offset >= 0)
    },
  }
}
