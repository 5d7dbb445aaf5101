import { describe, expect, it } from 'vitest'
import { compareCounts, compareMap } from '../src/demo/compare-map.js'

const expected = [
  { source: 'a', destination: 'b', method: 'GET', path: '/' },
  { source: 'a', destination: 'redis', protocol: 'redis' },
]
const call = { destination: 'b', method: 'GET', path: '/', count: 3 }
const cache = { destination: 'redis', protocol: 'redis', count: 1 }

describe('compareMap', () => {
  it('is content with the very edges', () => {
    const map = { services: [{ name: 'a', endpoints: [call], connections: [cache] }] }
    expect(compareMap(map, expected)).toEqual({ missing: [], unexpected: [] })
  })

  it('tells what is missing and what is too much, of the services it knows', () => {
    const map = {
      services: [
        { name: 'a', endpoints: [call, { ...call, path: '/x' }], connections: [{ ...cache, destination: '10.0.0.1' }] },
        { name: 'somebody else', connections: [cache] },
      ],
    }
    expect(compareMap(map, expected)).toEqual({
      missing: ['a -> redis (redis)'],
      unexpected: ['a -> b (GET /x)', 'a -> 10.0.0.1 (redis)'],
    })
  })
})

describe('compareCounts', () => {
  it('adds up the variants of an endpoint', () => {
    const map = { services: [{ name: 'a', endpoints: [call, { ...call, count: 2 }] }] }
    expect(compareCounts(map, 'a', { 'GET /': 5 })).toEqual([])
    expect(compareCounts(map, 'a', { 'GET /': 6 })).toEqual(['GET /: a called it 6 times, the map says 5'])
    expect(compareCounts(map, 'a', { 'GET /none': 1 })).toHaveLength(1)
  })
})
