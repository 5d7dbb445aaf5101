import { WireReader, WireWriter } from './client/wire.js'

/**
 * What members of a group tell each other, in the format of Kafka's consumers (ConsumerProtocolSubscription and
 * ConsumerProtocolAssignment, version 1), so that tools show who holds what.
 */
export const protocolName = 'syscribe-copartition'
const version = 1

export interface Subscription {
  topics: string[]
  /** Numbers of the partitions held: those of one number go together, whatever the topic. */
  owned: number[]
  /** Generation of the group in which they were given; -1 before the first. */
  generation: number
}

export function encodeSubscription({ topics, owned, generation }: Subscription): Buffer {
  const userData = Buffer.alloc(4)
  userData.writeInt32BE(generation)
  const to = new WireWriter().int16(version)
  to.array(topics, (topic) => to.string(topic)).data(userData)
  to.array(topics, (topic) => to.string(topic).array(owned, (partition) => to.int32(partition)))
  return to.bytes()
}

export function decodeSubscription(bytes: Buffer): Subscription {
  const from = new WireReader(bytes)
  from.int16()
  const topics = from.array(() => from.string())
  const generation = from.data().readInt32BE(0)
  const owned = new Set<number>()
  from.array(() => {
    from.string()
    for (const partition of from.array(() => from.int32())) owned.add(partition)
  })
  return { topics, owned: [...owned], generation }
}

/** Partitions of one member; `counts` says how many each topic has. */
export function encodeAssignment(counts: ReadonlyMap<string, number>, numbers: readonly number[]): Buffer {
  const to = new WireWriter().int16(version)
  to.array([...counts], ([topic, count]) => {
    to.string(topic).array(
      numbers.filter((number) => number < count),
      (number) => to.int32(number),
    )
  })
  return to.int32(-1).bytes()
}

export function decodeAssignment(bytes: Buffer): { topic: string; partition: number }[] {
  // A member that the leader has not heard of yet is given nothing at all.
  if (bytes.length === 0) return []
  const from = new WireReader(bytes)
  from.int16()
  return from
    .array(() => {
      const topic = from.string()
      return from.array(() => ({ topic, partition: from.int32() }))
    })
    .flat()
}
