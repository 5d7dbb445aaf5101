import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DeadlineQueue } from '../src/deadline-queue.js'

test('keys are taken when they are due, by deadline and then by order, wherever they were moved', () => {
  const step = fc.record({
    what: fc.constantFrom('put', 'put', 'put', 'delete', 'take'),
    key: fc.nat(8),
    at: fc.nat(20),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new DeadlineQueue()
      const plain = new Map<string, { deadline: number; order: number }>()
      steps.forEach(({ what, key: number, at }, index) => {
        const key = `${number}`
        if (what === 'put') {
          const order = plain.get(key)?.order ?? index
          queue.put(key, at, order)
          plain.set(key, { deadline: at, order })
        } else if (what === 'delete') {
          queue.delete(key)
          plain.delete(key)
        } else {
          const due = [...plain].filter(([, one]) => one.deadline <= at)
          due.sort(([, a], [, b]) => a.deadline - b.deadline || a.order - b.order)
          expect(queue.takeDue(at).map((one) => one.key)).toEqual(due.map(([one]) => one))
          for (const [one] of due) plain.delete(one)
        }
        expect(queue.keys()).toEqual([...plain.keys()])
        expect(queue.oldest()).toBe([...plain.keys()][0])
        expect(queue.nextDeadline).toBe(Math.min(...[...plain.values()].map((one) => one.deadline)))
      })
    }),
    { numRuns: 500 },
  )
})

test('thousands that come and go leave nothing behind', () => {
  const queue = new DeadlineQueue()
  for (let order = 0; order < 10_000; order++) {
    queue.put(`${order}`, order + 2000, order)
    if (order >= 10) queue.delete(`${order - 10}`)
  }
  expect(queue.keys()).toHaveLength(10)
  expect(queue.nextDeadline).toBe(11_990)
  expect(queue.takeDue(20_000)).toHaveLength(10)
  expect(queue.nextDeadline).toBe(Number.POSITIVE_INFINITY)
})
