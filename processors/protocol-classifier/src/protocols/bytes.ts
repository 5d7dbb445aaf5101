/** Compares the beginning of `bytes` with `prefix`: `more` while `bytes` is the shorter one and fits. */
export function beginsWith(bytes: Buffer, prefix: Uint8Array | readonly number[], at = 0): 'yes' | 'more' | 'no' {
  for (let i = 0; i < prefix.length; i++) {
    if (at + i >= bytes.length) return 'more'
    if (bytes[at + i] !== prefix[i]) return 'no'
  }
  return 'yes'
}

/** The text in front of the first CR LF at or after `from`; null when there is none yet. One byte, one character. */
export function lineAt(bytes: Buffer, from = 0): string | null {
  const end = bytes.indexOf('\r\n', from, 'latin1')
  return end < 0 ? null : bytes.toString('latin1', from, end)
}

/** Every byte of the range is printable ASCII (0x20 to 0x7e). */
export function isPrintable(bytes: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number
    if (byte < 0x20 || byte > 0x7e) return false
  }
  return true
}
