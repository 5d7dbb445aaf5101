/**
 * The partition of a key as Kafka's Java client chooses it by default: murmur2 of the key's bytes with the sign bit
 * cleared, modulo the number of partitions. So every client of a Kafka-compatible log finds a key's records in the same
 * partition (org.apache.kafka.common.utils.Utils#murmur2, BuiltInPartitioner#partitionForKey).
 */
export function partitionForKey(key: Uint8Array, count: number): number {
  return count <= 1 ? 0 : (murmur2(key) & 0x7fffffff) % count
}

const seed = 0x9747b28c
const m = 0x5bd1e995

/** 32-bit MurmurHash2 with Kafka's seed, as a signed integer. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length
  let hash = seed ^ length
  const whole = length & ~3
  for (let i = 0; i < whole; i += 4) {
    let k = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    hash = Math.imul(hash, m) ^ Math.imul(k, m)
  }
  const left = length - whole
  if (left > 0) {
    if (left === 3) hash ^= bytes[whole + 2]! << 16
    if (left >= 2) hash ^= bytes[whole + 1]! << 8
    hash = Math.imul(hash ^ bytes[whole]!, m)
  }
  hash = Math.imul(hash ^ (hash >>> 13), m)
  return hash ^ (hash >>> 15)
}
