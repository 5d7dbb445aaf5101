import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Call, MapEntries } from '../src/map-entries.js'
import { type MapState, mapStateFormat } from '../src/map-state.js'
import { TestState } from './test-state.js'

const text = (entries: MapEntries): string => Buffer.concat([...entries.texts('now')]).toString()

const anyCall: fc.Arbitrary<Call> = fc.record({
  destination: fc.constantFrom('b', 'c', 'd"\n'),
  type: fc.constantFrom('container', 'external'),
  method: fc.constantFrom('GET', 'PUT'),
  path: fc.nat(150).map((number) => `/p/${number}`),
  request: fc.constantFrom('null', '"non-json"', '?{}'),
  response: fc.constantFrom('null', '{"a":"string"}', '["number"]', '?[]', '?null', '{"b":[{}]}'),
  answered: fc.boolean(),
  at: fc.tuple(fc.nat(1e9), fc.nat(999)),
  passed: fc.nat(1000),
  captured: fc.nat(1000),
})

test('what is written piece by piece is what is written from the state anew, entries by the thousand', () => {
  fc.assert(
    fc.property(fc.array(fc.array(anyCall, { minLength: 50, maxLength: 400 }), { maxLength: 5 }), (rounds) => {
      const kept = new Map<string, Uint8Array>()
      const state = new TestState<MapState>(mapStateFormat)
      const entries = new MapEntries(state)
      entries.service('a', null, [0, 0])
      let seen = 0
      // Once more the same: nothing new, only counts.
      for (const calls of [...rounds, ...rounds]) {
        seen += calls.length
        for (const call of calls) entries.count('a', call)
        const written = text(entries)
        state.checkpoint(kept)
        expect(written).toBe(text(new MapEntries(new TestState(mapStateFormat, kept))))
        const { endpoints } = JSON.parse(written).services[0] as { endpoints: { count: number }[] }
        expect(endpoints.reduce((sum, { count }) => sum + count, 0)).toBe(seen)
      }
    }),
    { numRuns: 20, interruptAfterTimeLimit: 20_000 },
  )
})

test('the same exchanges in another order give the same map', () => {
  const exact = anyCall.filter(({ request, response }) => !`${request}${response}`.includes('?'))
  const shuffled = fc
    .array(exact, { maxLength: 200 })
    .chain((calls) => fc.tuple(fc.constant(calls), fc.shuffledSubarray(calls, { minLength: calls.length })))
  fc.assert(
    fc.property(shuffled, ([calls, other]) => {
      const [one, two] = [calls, other].map((order) => {
        const entries = new MapEntries(new TestState<MapState>(mapStateFormat))
        entries.service('a', null, [0, 0])
        for (const call of order) entries.count('a', call)
        return text(entries)
      })
      expect(one).toBe(two)
    }),
    { numRuns: 30, interruptAfterTimeLimit: 20_000 },
  )
})
