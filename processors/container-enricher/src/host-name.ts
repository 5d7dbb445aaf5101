import { canonicalAddress } from './ip-address.js'

/** `literal`: an IP address, or localhost, which say where and not who. */
export interface HostText {
  text: string
  kind: 'name' | 'literal'
}

const label = '[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?'
const namePattern = new RegExp(`^${label}(?:\\.${label})*$`)

/**
 * Reads the host of a Host header, a URL or a variable: a name in lower case without its final dot, or an address in
 * canonical form. Null when it is neither: templates, patterns, file names.
 */
export function readHost(text: string): HostText | null {
  const address = canonicalAddress(text)
  if (address !== null) return { text: address, kind: 'literal' }
  const name = text.toLowerCase().replace(/\.$/, '')
  if (name.length > 253 || !namePattern.test(name) || !/[a-z_]/.test(name)) return null
  return { text: name, kind: isLocalhost(name) ? 'literal' : 'name' }
}

/** RFC 6761 section 6.3, and what distributions write into /etc/hosts. */
export function isLocalhost(name: string): boolean {
  return /^(?:.+\.)?localhost$|^localhost\d?(?:\.localdomain\d?)?$|^ip6-(?:localhost|loopback)$/.test(name)
}

/** Splits `host:port`, `[address]:port`, `host`; null port when there is none. Null when the port is no number. */
export function splitHostPort(text: string): { host: string; port: number | null } | null {
  const match = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d{1,5}))?$/.exec(text)
  if (match === null) return canonicalAddress(text) === null ? null : { host: text, port: null }
  const port = match[2] === undefined ? null : Number(match[2])
  return port !== null && port > 65_535 ? null : { host: match[1] as string, port }
}
