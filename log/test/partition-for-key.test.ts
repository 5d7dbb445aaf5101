import { expect, it } from 'vitest'
import { murmur2, partitionForKey } from '../src/partition-for-key.js'

// Kafka's own vectors: clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java, testMurmur2.
const vectors: [string, number][] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
]

it.each(vectors)('hashes %s as Kafka does', (key, hash) => {
  expect(murmur2(Buffer.from(key))).toBe(hash)
})

it('chooses the partition as Kafka does: the hash without its sign, modulo the count', () => {
  for (const [key, hash] of vectors) {
    for (const count of [1, 2, 3, 8, 50]) {
      expect(partitionForKey(Buffer.from(key), count)).toBe((hash & 0x7fffffff) % count)
    }
  }
})

it('spreads keys over all partitions', () => {
  const counts = new Array<number>(8).fill(0)
  for (let index = 0; index < 8000; index++) counts[partitionForKey(Buffer.from(`key-${index}`), 8)]!++
  expect(Math.min(...counts)).toBeGreaterThan(800)
})
