import fc from 'fast-check'
import { expect, it } from 'vitest'
import { assignPartitions, type Claim } from '../src/kafka/assign-partitions.js'

const claims = (owned: Record<string, number[]>, generation = 1): Claim[] =>
  Object.entries(owned).map(([memberId, numbers]) => ({ memberId, owned: numbers, generation }))

it('a partition that moves is free for one generation', () => {
  const first = assignPartitions(claims({ a: [0, 1, 2, 3], b: [] }), 4)
  expect([...first]).toEqual([
    ['a', [0, 1]],
    ['b', []],
  ])
  const second = assignPartitions(claims({ a: [0, 1], b: [] }), 4)
  expect([...second]).toEqual([
    ['a', [0, 1]],
    ['b', [2, 3]],
  ])
})

it('of two who claim a partition, the one of the later generation has it', () => {
  const zombie = { memberId: 'a', owned: [0, 1], generation: 3 }
  const holder = { memberId: 'b', owned: [0, 1], generation: 4 }
  // One of the two moves to a, from its holder: so it is free now.
  expect([...assignPartitions([zombie, holder], 2)]).toEqual([
    ['a', []],
    ['b', [0]],
  ])
})

it('shares become even and then stay, whoever comes and goes, and nobody gets what another still holds', () => {
  const events = fc.array(fc.tuple(fc.boolean(), fc.nat(5)), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), events, (count, changes) => {
      let owned: Record<string, number[]> = { m0: [] }
      let generation = 0
      const rebalance = (): boolean => {
        generation++
        const given = assignPartitions(claims(owned, generation), count)
        let lost = false
        for (const [member, numbers] of given) {
          for (const number of numbers) {
            const holder = Object.entries(owned).find(([, held]) => held.includes(number))?.[0]
            expect(holder ?? member).toBe(member)
          }
          lost ||= owned[member]!.some((number) => !numbers.includes(number))
        }
        owned = Object.fromEntries(given)
        return lost
      }
      for (const [joins, which] of changes) {
        const name = `m${which}`
        if (joins) owned[name] ??= []
        else if (Object.keys(owned).length > 1) delete owned[name]
        if (rebalance()) expect(rebalance()).toBe(false)
        const sizes = Object.values(owned).map(({ length }) => length)
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(count)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
        const before = owned
        expect(rebalance()).toBe(false)
        expect(owned).toEqual(before)
      }
    }),
  )
})
