import { setTimeout as sleep } from 'node:timers/promises'
import { LogError } from '../errors.js'
import type { GroupMember, GroupOptions, TopicPartition } from '../log.js'
import { assignPartitions } from './assign-partitions.js'
import type { Cluster } from './client/cluster.js'
import { KafkaFault, logError } from './client/fault.js'
import {
  heartbeatRequest,
  joinGroupRequest,
  leaveGroupRequest,
  MemberIdRequired,
  type Membership,
  syncGroupRequest,
} from './client/requests/groups.js'
import { persist } from './client/retry.js'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  protocolName,
} from './group-protocol.js'
import type { Settings } from './options.js'
import type { Topics } from './topics.js'

export interface GroupContext {
  /** Connections of its own: joining is answered when all members have joined. */
  cluster: Cluster
  topics: Topics
  settings: Settings
  onClose(member: KafkaGroupMember): void
}

/** Others learn of a change at their next heartbeat. */
const longestHeartbeatMs = 500
/** The coordinator no longer knows the member, or not in this generation. */
const expelled = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'])

/**
 * A member of a consumer group by Kafka's own protocol. Partitions move cooperatively: members go on with what they
 * keep while others come and go, and what moves is let go of before it is given away.
 */
export class KafkaGroupMember implements GroupMember {
  readonly #context: GroupContext
  readonly #options: GroupOptions
  /** As the cluster knows it. */
  readonly #group: string
  readonly #closing = new AbortController()
  #membership: Membership
  /** What onAssignment was last told; null before the first time. */
  #assigned: TopicPartition[] | null = null
  #failure: { error: unknown } | null = null
  /** Since when the coordinator has not answered as one that works; null while it does. Of performance.now(). */
  #silentSince: number | null = null
  #running: Promise<void> = Promise.resolve()
  #closed: Promise<void> | undefined
  #joined: { resolve(): void; reject(error: unknown): void } | null = null

  private constructor(context: GroupContext, options: GroupOptions) {
    this.#context = context
    this.#options = options
    this.#group = context.settings.prefix + options.group
    this.#membership = { group: this.#group, generation: -1, memberId: '' }
  }

  /** @throws LogError `unknown_topic`, `unavailable`; what its own onAssignment threw */
  static async join(context: GroupContext, options: GroupOptions): Promise<KafkaGroupMember> {
    for (const topic of options.topics) await context.topics.known(topic)
    const member = new KafkaGroupMember(context, options)
    const joined = new Promise<void>((resolve, reject) => {
      member.#joined = { resolve, reject }
    })
    member.#running = member.#run()
    try {
      await joined
      return member
    } catch (error) {
      await member.close().catch(() => undefined)
      throw error
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing.abort()
    this.#joined?.reject(new LogError('closed', `the member of group ${this.#options.group} is closed`))
    // An answer to joining may be a long time coming.
    if (this.#joining) this.#context.cluster.close()
    await this.#running
    await this.#leave()
    this.#context.cluster.close()
    this.#context.onClose(this)
    if (this.#failure !== null) throw this.#failure.error
  }
  #joining = false

  /** So that the others need not wait for the end of the session. */
  async #leave(): Promise<void> {
    const { group, memberId } = this.#membership
    if (memberId === '') return
    this.#membership = { group, memberId: '', generation: -1 }
    const cluster = this.#context.cluster.apart()
    const patience = { until: performance.now() + 1000 }
    await cluster.ask({ group }, leaveGroupRequest(group, memberId), patience).catch(() => undefined)
    cluster.close()
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted && this.#failure === null) {
      try {
        await this.#settle(await this.#join())
      } catch (error) {
        if (this.#closing.signal.aborted) return
        const passes = error instanceof KafkaFault && error.passes
        if (!passes) this.#silentSince = null
        if (error instanceof KafkaFault && expelled.has(error.type)) {
          await this.#expelled()
          continue
        }
        if (error instanceof KafkaFault && error.type === 'REBALANCE_IN_PROGRESS') continue
        if (!passes) {
          this.#fail(error)
          return
        }
        this.#silentSince ??= performance.now()
        const silentMs = performance.now() - this.#silentSince
        if (this.#joined !== null && silentMs > this.#context.settings.operationTimeoutMs) {
          this.#fail(error)
          return
        }
        await this.#pause(100)
      }
    }
  }

  #fail(error: unknown): void {
    const fault = error instanceof KafkaFault ? logError(error, `group ${this.#options.group}`) : error
    this.#failure = { error: fault }
    if (this.#joined === null) this.#options.onFailure?.(fault)
    this.#joined?.reject(fault)
    this.#joined = null
  }

  /** Others may have its partitions by now. */
  async #expelled(): Promise<void> {
    this.#membership = { group: this.#group, generation: -1, memberId: '' }
    if (this.#assigned !== null && this.#assigned.length > 0) await this.#tell([])
  }

  async #tell(assigned: TopicPartition[]): Promise<void> {
    try {
      await this.#options.onAssignment(assigned)
      this.#assigned = assigned
    } catch (error) {
      this.#fail(error)
      await this.#leave()
    }
  }

  /** Takes part in a generation of the group. Returns what this member is to have. */
  async #join(): Promise<TopicPartition[]> {
    const { cluster, topics, settings } = this.#context
    const { sessionTimeoutMs, rebalanceTimeoutMs } = settings
    const subscription = {
      topics: this.#options.topics.map((topic) => topics.physical(topic)),
      owned: [...new Set((this.#assigned ?? []).map(({ partition }) => partition))],
      generation: this.#membership.generation,
    }
    const protocol = { name: protocolName, metadata: encodeSubscription(subscription) }
    const times = { sessionTimeoutMs, rebalanceTimeoutMs }
    const place = { group: this.#group }
    const ask = (memberId: string) => cluster.send(place, joinGroupRequest(this.#group, memberId, protocol, times))
    this.#joining = true
    try {
      const joined = await ask(this.#membership.memberId).catch((error: unknown) => {
        if (!(error instanceof MemberIdRequired)) throw error
        // Joining may last longer than brokers may be silent: it waits for members that have died.
        this.#silentSince = null
        this.#membership = { ...this.#membership, memberId: error.memberId }
        return ask(error.memberId)
      })
      const { memberId, generation } = joined
      this.#silentSince = null
      this.#membership = { group: this.#group, memberId, generation }
      const shares = memberId === joined.leader ? await this.#share(joined.members) : []
      const given = await cluster.send(place, syncGroupRequest(this.#membership, shares, rebalanceTimeoutMs))
      return decodeAssignment(given).flatMap(({ topic, partition }) => {
        const name = topics.logical(topic)
        return name === null ? [] : [{ topic: name, partition }]
      })
    } finally {
      this.#joining = false
    }
  }

  /** The leader's part. */
  async #share(members: readonly { memberId: string; metadata: Buffer }[]) {
    const { cluster } = this.#context
    const claims = members.map(({ memberId, metadata }) => ({ memberId, ...decodeSubscription(metadata) }))
    const counts = new Map<string, number>()
    for (const topic of new Set(claims.flatMap(({ topics }) => topics))) {
      // A topic that has been deleted meanwhile has nothing to share.
      const leaders = await cluster.leaders(topic).catch(() => [])
      if (leaders.length > 0) counts.set(topic, leaders.length)
    }
    const wanted = assignPartitions(claims, Math.max(0, ...counts.values()))
    return claims.map(({ memberId, topics }) => {
      const own = new Map([...counts].filter(([topic]) => topics.includes(topic)))
      return { memberId, assignment: encodeAssignment(own, wanted.get(memberId) ?? []) }
    })
  }

  /** Works with an assignment until the group changes. */
  async #settle(assigned: TopicPartition[]): Promise<void> {
    const before = this.#assigned
    const lost = (before ?? []).some((at) => !includes(assigned, at))
    const gained = before === null || assigned.some((at) => !includes(before, at))
    if (lost || gained) {
      const told = this.#tell(assigned)
      let done = false
      void told.finally(() => {
        done = true
      })
      // The session goes on while work on what was lost ends.
      while (!done) {
        await Promise.race([told, this.#pause(this.#heartbeatMs())])
        if (!done) await this.#beat().catch((error: unknown) => this.#unlessRebalancing(error))
      }
      await told
      if (this.#failure !== null) return
      this.#joined?.resolve()
      this.#joined = null
    }
    // What it has let go of can be given away in the next generation.
    if (lost) return
    while (!this.#closing.signal.aborted) {
      await this.#pause(this.#heartbeatMs())
      if (this.#closing.signal.aborted) return
      await this.#beat()
    }
  }

  #heartbeatMs(): number {
    return Math.min(longestHeartbeatMs, this.#context.settings.sessionTimeoutMs / 3)
  }

  async #beat(): Promise<void> {
    const patience = { until: Number.POSITIVE_INFINITY, signal: this.#closing.signal }
    await persist(patience, () =>
      this.#context.cluster.send({ group: this.#group }, heartbeatRequest(this.#membership)),
    )
  }

  #unlessRebalancing(error: unknown): void {
    if (!(error instanceof KafkaFault) || error.type !== 'REBALANCE_IN_PROGRESS') throw error
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#closing.signal }).catch(() => undefined)
  }
}

function includes(list: readonly TopicPartition[], at: TopicPartition): boolean {
  return list.some((other) => other.topic === at.topic && other.partition === at.partition)
}
