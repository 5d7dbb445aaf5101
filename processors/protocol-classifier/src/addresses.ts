/**
 * An IP address as text: dotted decimal for 4 bytes, RFC 5952 for 16 bytes, empty when unknown (any other length).
 * IPv4 mapped into IPv6 (RFC 4291 section 2.5.5.2) is written as IPv4: it is IPv4 on the wire.
 */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`
  if (bytes.length !== 16) return ''
  const groups: number[] = []
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] as number) << 8) | (bytes[i + 1] as number))
  if (groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)) return addressText(bytes.subarray(12))
  const [start, length] = longestZeroRun(groups)
  const hex = groups.map((group) => group.toString(16))
  if (length < 2) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}

/** The longest run of zero groups, the first of equal ones (RFC 5952 section 4.2.3). */
function longestZeroRun(groups: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0]
  for (let at = 0; at < groups.length; at++) {
    let end = at
    while (end < groups.length && groups[end] === 0) end++
    if (end - at > best[1]) best = [at, end - at]
    at = Math.max(at, end - 1)
  }
  return best
}
