import type { GroupMember, GroupOptions, TopicPartition } from '../log.js'

interface Member {
  readonly options: GroupOptions
  /** What its onAssignment was last told; null before the first time. */
  assigned: TopicPartition[] | null
  failure: unknown
}

/**
 * Consumer groups among the members of one process. Partition n of every topic goes to member n modulo the number of
 * members, in order of joining. A change happens in two steps: first all members let go of what they lose, then they
 * take what they gain, so no partition ever has two holders.
 */
export class GroupCoordinator {
  readonly #groups = new Map<string, Member[]>()
  readonly #changing = new Map<string, Promise<void>>()
  readonly #partitions: (topic: string) => number

  /** `partitions` gives the number of partitions of a topic. @throws LogError `unknown_topic` */
  constructor(partitions: (topic: string) => number) {
    this.#partitions = partitions
  }

  async join(options: GroupOptions): Promise<GroupMember> {
    for (const topic of options.topics) this.#partitions(topic)
    const member: Member = { options, assigned: null, failure: undefined }
    await this.#change(options.group, (members) => members.push(member))
    if (member.failure !== undefined) throw member.failure
    let left: Promise<void> | undefined
    return {
      close: () => {
        left ??= this.#leave(member)
        return left
      },
    }
  }

  async #leave(member: Member): Promise<void> {
    await this.#change(member.options.group, (members) => remove(members, member))
    if (member.failure !== undefined) throw member.failure
  }

  hasMembers(group: string): boolean {
    return (this.#groups.get(group)?.length ?? 0) > 0
  }

  /** Changes of one group one after the other. */
  #change(group: string, apply: (members: Member[]) => void): Promise<void> {
    const members = this.#groups.get(group) ?? []
    this.#groups.set(group, members)
    const before = this.#changing.get(group) ?? Promise.resolve()
    const after = before.then(async () => {
      apply(members)
      await this.#rebalance(members)
    })
    this.#changing.set(group, after)
    return after
  }

  async #rebalance(members: Member[]): Promise<void> {
    for (;;) {
      const count = members.length
      const wanted = new Map(members.map((member, index) => [member, this.#share(member.options, index, count)]))
      for (const member of [...members]) {
        const keep = (member.assigned ?? []).filter((at) => includes(wanted.get(member)!, at))
        if (member.assigned !== null && keep.length < member.assigned.length) await this.#assign(members, member, keep)
      }
      for (const member of [...members]) {
        const share = wanted.get(member)!
        if (member.assigned === null || share.length > member.assigned.length)
          await this.#assign(members, member, share)
      }
      // A member whose callback failed has been put out: share again without it.
      if (members.length === count) return
    }
  }

  async #assign(members: Member[], member: Member, assigned: TopicPartition[]): Promise<void> {
    try {
      await member.options.onAssignment(assigned)
      member.assigned = assigned
    } catch (error) {
      member.failure = error
      remove(members, member)
      if (member.assigned !== null) member.options.onFailure?.(error)
    }
  }

  #share(options: GroupOptions, index: number, members: number): TopicPartition[] {
    const share: TopicPartition[] = []
    for (const topic of options.topics) {
      for (let partition = index; partition < this.#partitions(topic); partition += members) {
        share.push({ topic, partition })
      }
    }
    return share
  }
}

function includes(list: readonly TopicPartition[], at: TopicPartition): boolean {
  return list.some((other) => other.topic === at.topic && other.partition === at.partition)
}

function remove<T>(list: T[], item: T): void {
  const index = list.indexOf(item)
  if (index >= 0) list.splice(index, 1)
}
