import { readHost, splitHostPort } from './host-name.js'
import { canonicalAddress } from './ip-address.js'

/** A host that a variable of an environment names. */
export interface EnvironmentTarget {
  variable: string
  /** Host name in lower case. Addresses are left out: they name nobody. */
  host: string
  /** Null when the variable says none. */
  port: number | null
}

/** Longer values are certificates or documents, not addresses. */
const longestValue = 8192
const mostTargets = 256

/** Ports that URLs of these schemes mean when they say none. */
const schemePorts: Record<string, number> = {
  http: 80,
  https: 443,
  ws: 80,
  wss: 443,
  postgres: 5432,
  postgresql: 5432,
  mysql: 3306,
  mariadb: 3306,
  sqlserver: 1433,
  mssql: 1433,
  mongodb: 27017,
  redis: 6379,
  rediss: 6379,
  valkey: 6379,
  memcached: 11211,
  amqp: 5672,
  amqps: 5671,
  nats: 4222,
  kafka: 9092,
  ldap: 389,
  ldaps: 636,
  smtp: 25,
  ftp: 21,
}
/** What stands behind `//` is a path. */
const pathSchemes = new Set(['unix', 'file', 'sqlite', 'http+unix', 'npipe'])

/**
 * The hosts an environment block names, in its order: URLs (several hosts in one, several URLs in one value), host:port
 * and lists of it, `tcp(host:port)`, `host=… port=…` and `Server=host,port`, and pairs of variables `X_HOST` and
 * `X_PORT`.
 */
export function environmentTargets(block: Buffer): EnvironmentTarget[] {
  const variables = new Map<string, string>()
  for (const entry of block.toString('utf8').split('\0')) {
    const split = entry.indexOf('=')
    const name = entry.slice(0, split)
    if (split > 0 && !variables.has(name)) variables.set(name, entry.slice(split + 1))
  }
  const targets: EnvironmentTarget[] = []
  const add = (variable: string, hostPort: string, fallback: number | null): void => {
    const split = splitHostPort(hostPort)
    const host = split === null ? null : readHost(split.host)
    if (split === null || host === null || targets.length >= mostTargets) return
    if (canonicalAddress(host.text) !== null) return
    targets.push({ variable, host: host.text, port: split.port ?? fallback })
  }
  for (const [variable, value] of variables) {
    if (value.length === 0 || value.length > longestValue) continue
    for (const { authority, port } of urlsOf(value)) add(variable, authority, port)
    for (const hostPort of plainOf(value)) add(variable, hostPort, null)
    const pair = pairOf(variable, value, variables)
    if (pair !== null) add(variable, value, pair.port)
  }
  return targets
}

function* urlsOf(value: string): Generator<{ authority: string; port: number | null }> {
  if (!value.includes('://')) return
  for (const one of value.split(/[,;\s]+(?=[a-z][a-z0-9+.-]*:\/\/)/i)) {
    const match = /([a-z][a-z0-9+.-]*):\/\/([^\s/?#;"'<>]*)/i.exec(one)
    if (match === null) continue
    const scheme = (match[1] as string).toLowerCase()
    if (pathSchemes.has(scheme)) continue
    const authority = match[2] as string
    // A driver's suffix does not change the port: postgresql+asyncpg.
    const port = schemePorts[scheme] ?? (scheme.endsWith('+srv') ? null : schemePorts[scheme.split('+')[0] as string])
    for (const host of authority.slice(authority.lastIndexOf('@') + 1).split(',')) {
      yield { authority: host, port: port ?? null }
    }
  }
}

function* plainOf(value: string): Generator<string> {
  const dialled = /\btcp[46]?\(([^()\s]+)\)/.exec(value)
  if (dialled !== null) yield dialled[1] as string
  const named =
    /(?:^|[\s;])(?:host|server|data source|addr|address)\s*=\s*'?(?:tcp:)?([^\s;,':]+)(?:[,:](\d{1,5}))?/i.exec(value)
  if (named !== null) {
    const port = named[2] ?? /(?:^|[\s;])port\s*=\s*'?(\d{1,5})/i.exec(value)?.[1]
    if (port !== undefined) yield `${named[1]}:${port}`
  }
  if (value.includes('://') || !value.includes(':')) return
  for (const one of value.split(/[,;\s]+/)) {
    const match = /^(?:[^@/]*@)?([\w.-]+:\d{1,5})(?:\/.*)?$/.exec(one)
    if (match !== null) yield match[1] as string
  }
}

/** `X_HOST` with `X_PORT`, `PGHOST` with `PGPORT`, `x.host` with `x.port`; a bare HOST is where the process itself listens. */
function pairOf(variable: string, value: string, all: ReadonlyMap<string, string>): { port: number | null } | null {
  const match = /^(.+?)([._-]?)(HOST|HOSTNAME|HOST_NAME|ADDR|ADDRESS|SERVER|host|hostname|addr|address|server)$/.exec(
    variable,
  )
  if (match === null || value.includes(':') || /\s/.test(value)) return null
  const [, prefix, separator, word] = match
  const port = all.get(`${prefix}${separator}${word === word?.toLowerCase() ? 'port' : 'PORT'}`)
  return { port: port !== undefined && /^\d{1,5}$/.test(port) ? Number(port) : null }
}
