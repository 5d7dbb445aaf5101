import { checkCode, faultOf, KafkaFault } from '../fault.js'
import type { WireRequest } from '../wire.js'

/** A member of a group in one generation of it. */
export interface Membership {
  group: string
  generation: number
  memberId: string
}

export interface Joined {
  generation: number
  memberId: string
  /** Who shares the partitions out. */
  leader: string
  /** Only the leader is told. */
  members: { memberId: string; metadata: Buffer }[]
}

/** The coordinator wants the member to come again with the id it gives (KIP-394). */
export class MemberIdRequired extends KafkaFault {
  readonly memberId: string
  constructor(memberId: string) {
    super('MEMBER_ID_REQUIRED', 'the coordinator gives out a member id first')
    this.memberId = memberId
  }
}

export function joinGroupRequest(
  group: string,
  memberId: string,
  protocol: { name: string; metadata: Buffer },
  times: { sessionTimeoutMs: number; rebalanceTimeoutMs: number },
): WireRequest<Joined> {
  return {
    name: 'JoinGroup',
    apiKey: 11,
    apiVersion: 5,
    waitMs: times.rebalanceTimeoutMs,
    write: (to) =>
      to
        .string(group)
        .int32(times.sessionTimeoutMs)
        .int32(times.rebalanceTimeoutMs)
        .string(memberId)
        .nullableString(null)
        .string('consumer')
        .array([protocol], ({ name, metadata }) => to.string(name).data(metadata)),
    read: (from) => {
      from.int32()
      const code = from.int16()
      const generation = from.int32()
      from.nullableString()
      const leader = from.string()
      const given = from.string()
      const fault = code === 0 ? null : faultOf(code, `group ${group}`)
      if (fault?.type === 'MEMBER_ID_REQUIRED') throw new MemberIdRequired(given)
      if (fault !== null) throw fault
      const members = from.array(() => {
        const id = from.string()
        from.nullableString()
        return { memberId: id, metadata: from.data() }
      })
      return { generation, memberId: given, leader, members }
    },
  }
}

export function syncGroupRequest(
  { group, generation, memberId }: Membership,
  assignments: readonly { memberId: string; assignment: Buffer }[],
  waitMs: number,
): WireRequest<Buffer> {
  return {
    name: 'SyncGroup',
    apiKey: 14,
    apiVersion: 3,
    waitMs,
    write: (to) =>
      to
        .string(group)
        .int32(generation)
        .string(memberId)
        .nullableString(null)
        .array(assignments, (one) => to.string(one.memberId).data(one.assignment)),
    read: (from) => {
      from.int32()
      checkCode(from.int16(), `group ${group}`)
      return from.data()
    },
  }
}

export function heartbeatRequest({ group, generation, memberId }: Membership): WireRequest<void> {
  return {
    name: 'Heartbeat',
    apiKey: 12,
    apiVersion: 3,
    write: (to) => to.string(group).int32(generation).string(memberId).nullableString(null),
    read: (from) => {
      from.int32()
      checkCode(from.int16(), `group ${group}`)
    },
  }
}

export function leaveGroupRequest(group: string, memberId: string): WireRequest<void> {
  return {
    name: 'LeaveGroup',
    apiKey: 13,
    apiVersion: 1,
    write: (to) => to.string(group).string(memberId),
    read: (from) => {
      from.int32()
      checkCode(from.int16(), `group ${group}`)
    },
  }
}
