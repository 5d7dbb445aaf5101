/**
 * An environment as the kernel keeps it: NAME=value strings, each ended by a NUL byte, in the order execve got them
 * (execve(2), /proc/<pid>/environ in proc(5)).
 */

/** The strings of a block, without their NULs. */
export function* environmentStrings(block: Buffer): Generator<Buffer> {
  let start = 0
  while (start < block.length) {
    const end = block.indexOf(0, start)
    const stop = end < 0 ? block.length : end
    if (stop > start) yield block.subarray(start, stop)
    start = stop + 1
  }
}

/** Value of the first variable of that name, which is the one getenv(3) returns; null when there is none. */
export function firstValue(block: Buffer, name: string): string | null {
  const prefix = Buffer.from(`${name}=`)
  for (const entry of environmentStrings(block)) {
    if (entry.subarray(0, prefix.length).equals(prefix)) return entry.toString('utf8', prefix.length)
  }
  return null
}

/**
 * The block with only the variables whose name begins with one of the prefixes (case-sensitive), as ENV_PREFIX_LIST
 * asks; all of it when there are no prefixes.
 */
export function withPrefixes(block: Buffer, prefixes: readonly string[]): Buffer {
  if (prefixes.length === 0) return block
  const wanted = prefixes.map((prefix) => Buffer.from(prefix))
  const kept: Buffer[] = []
  for (const entry of environmentStrings(block)) {
    if (wanted.some((prefix) => entry.subarray(0, prefix.length).equals(prefix))) kept.push(entry, Buffer.alloc(1))
  }
  return Buffer.concat(kept)
}

/**
 * Whether a process has written over its environment, as programs do that show a title in `ps` (nginx, PostgreSQL,
 * Redis): then what /proc shows is no list of NAME=value strings any more.
 */
export function isOverwritten(block: Buffer): boolean {
  if (block.length === 0) return false
  let strings = 0
  for (const entry of environmentStrings(block)) {
    strings++
    if (entry.indexOf('=') <= 0) return true
  }
  return strings === 0
}
