import type { GroupMember, TopicPartition } from '@syscribe/log'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ContractLog, type Engine, expectFault, settings, unique } from './contract-log.js'

export function groupContract(engine: Engine): void {
  describe('consumer groups', () => {
    let open: ContractLog
    let group: string
    let topics: string[]
    /** Who holds a partition now; a second holder at the same time is an error. */
    let holders: Map<string, string>
    let faults: string[]
    beforeEach(async () => {
      open = await engine.open()
      group = unique('group')
      topics = [unique('a'), unique('b')]
      holders = new Map()
      faults = []
      await open.log.createTopics(topics.map((topic) => settings(topic, { partitions: 4 })))
    })
    afterEach(() => open.dispose())

    const partitionsOf = (name: string) =>
      [...holders].flatMap(([partition, holder]) => (holder === name ? [partition] : [])).sort()

    const join = (name: string): Promise<GroupMember> =>
      open.log.groupMember({
        group,
        topics,
        onAssignment: async (assigned: readonly TopicPartition[]) => {
          const wanted = new Set(assigned.map(({ topic, partition }) => `${topics.indexOf(topic)}/${partition}`))
          // Work on what was lost ends a little later.
          await new Promise((resolve) => setTimeout(resolve, 10))
          for (const partition of partitionsOf(name)) if (!wanted.has(partition)) holders.delete(partition)
          for (const partition of wanted) {
            const holder = holders.get(partition)
            if (holder !== undefined && holder !== name) faults.push(`${partition} has ${holder} and ${name}`)
            holders.set(partition, name)
          }
        },
      })

    const leave = async (name: string, member: GroupMember) => {
      for (const partition of partitionsOf(name)) holders.delete(partition)
      await member.close()
    }

    const settle = (...shares: [string, number][]) =>
      vi.waitFor(() => expect(shares.map(([name]) => [name, partitionsOf(name).length])).toEqual(shares), 15_000)

    it('gives one member everything, and shares with those who join', async () => {
      const one = await join('one')
      await settle(['one', 8])
      const two = await join('two')
      await settle(['one', 4], ['two', 4])
      await leave('one', one)
      await settle(['two', 8])
      await leave('two', two)
      expect(faults).toEqual([])
    })

    it('gives partition n of every topic to the same member', async () => {
      const names = ['one', 'two', 'three']
      const members: GroupMember[] = []
      for (const name of names) members.push(await join(name))
      await vi.waitFor(() => expect(holders.size).toBe(8), 15_000)
      for (let partition = 0; partition < 4; partition++) {
        expect(holders.get(`0/${partition}`)).toBe(holders.get(`1/${partition}`))
      }
      expect(new Set(holders.values()).size).toBe(3)
      for (const [index, name] of names.entries()) await leave(name, members[index]!)
      expect(faults).toEqual([])
    })

    it('gives a partition to one member at a time, whoever joins and leaves', async () => {
      const members = await Promise.all(['one', 'two', 'three'].map(join))
      await vi.waitFor(() => expect(holders.size).toBe(8), 15_000)
      await Promise.all([leave('two', members[1]!), join('four')])
      await vi.waitFor(() => {
        expect(holders.size).toBe(8)
        expect(new Set(holders.values())).toEqual(new Set(['one', 'three', 'four']))
      }, 15_000)
      expect(faults).toEqual([])
    })

    it('keeps groups apart', async () => {
      await join('one')
      const assigned: number[] = []
      const other = await open.log.groupMember({
        group: unique('other'),
        topics,
        onAssignment: async (partitions) => void assigned.push(partitions.length),
      })
      await vi.waitFor(() => expect(assigned.at(-1)).toBe(8), 15_000)
      await settle(['one', 8])
      await other.close()
    })

    it('puts out a member whose work on an assignment fails, and tells it', async () => {
      const fault = new Error('no room for partitions')
      const failures: unknown[] = []
      let fails = false
      const one = await open.log.groupMember({
        group,
        topics,
        onAssignment: async () => {
          if (fails) throw fault
        },
        onFailure: (error) => void failures.push(error),
      })
      fails = true
      const two = await join('two')
      await settle(['two', 8])
      expect(failures).toEqual([fault])
      await expect(one.close()).rejects.toBe(fault)
      await leave('two', two)
    })

    it('refuses a topic that is not there', async () => {
      const joining = open.log.groupMember({ group, topics: ['nowhere'], onAssignment: async () => undefined })
      await expectFault(joining, 'unknown_topic', 'nowhere')
    })
  })
}
