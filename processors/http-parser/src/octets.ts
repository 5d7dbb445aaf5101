export const HTAB = 9
export const LF = 10
export const CR = 13
export const SP = 32
export const COLON = 58
export const DEL = 127

/** Bits of `octetClass`. */
export const isToken = 1
export const isTarget = 2
export const isDigit = 4

/**
 * The classes of each octet: token characters (RFC 9110 section 5.6.2), and what a request target may hold: visible
 * ASCII, and the octets above it that clients send raw.
 */
export const octetClass: Uint8Array = (() => {
  const table = new Uint8Array(256)
  for (let octet = 0; octet < 256; octet++) {
    const visible = octet > 32 && octet !== DEL
    if (visible) table[octet]! |= isTarget
    if (octet >= 48 && octet <= 57) table[octet]! |= isDigit
  }
  for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
    table[character.charCodeAt(0)]! |= isToken
  }
  return table
})()

/** Whether the octets at `at` are `text` (given in lower case), ASCII letters compared without case. */
export function equalsIgnoringCase(bytes: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const octet = bytes[at + index] as number
    const lower = octet >= 65 && octet <= 90 ? octet | 32 : octet
    if (lower !== text.charCodeAt(index)) return false
  }
  return true
}
