/**
 * An IP address as text: dotted decimal, or RFC 5952 (lower case, no leading zeros, the first longest run of at least
 * two zero groups as `::`). '' for what is neither 4 nor 16 bytes: not known.
 */
export function ipText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length !== 16) return ''
  const groups: number[] = []
  for (let at = 0; at < 16; at += 2) groups.push(bytes.readUInt16BE(at))
  let runStart = -1
  let runLength = 1
  for (let start = 0; start < 8; start++) {
    let end = start
    while (end < 8 && groups[end] === 0) end++
    if (end - start > runLength) {
      runStart = start
      runLength = end - start
    }
    if (end > start) start = end
  }
  const hex = groups.map((group) => group.toString(16))
  if (runStart < 0) return hex.join(':')
  return `${hex.slice(0, runStart).join(':')}::${hex.slice(runStart + runLength).join(':')}`
}
