import { BlockList, isIP } from 'node:net'

/**
 * An IP address in the one form all are compared in: IPv6 as RFC 5952 writes it, without brackets and zone, an IPv4
 * address mapped into IPv6 as IPv4. Null when the text is no address.
 */
export function canonicalAddress(text: string): string | null {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  const zone = bare.indexOf('%')
  const address = zone < 0 ? bare : bare.slice(0, zone)
  const version = isIP(address)
  if (version === 4) return address
  if (version !== 6) return null
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical)
  if (mapped === null) return canonical
  const high = Number.parseInt(mapped[1] as string, 16)
  const low = Number.parseInt(mapped[2] as string, 16)
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** Whether a canonical address leads back to the host itself: 127.0.0.0/8 (RFC 1122) or ::1 (RFC 4291). */
export function isLoopback(address: string): boolean {
  return address === '::1' || (address.startsWith('127.') && isIP(address) === 4)
}

/** IPv4 address blocks that are not for the public internet (IANA Special-Purpose Address Registry, RFC 6890). */
const special = new BlockList()
for (const [address, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['240.0.0.0', 4],
] as const) {
  special.addSubnet(address, prefix)
}

/** Whether a canonical address is an IPv4 address of the public internet. */
export function isPublicIpv4(address: string): boolean {
  return isIP(address) === 4 && !special.check(address)
}
