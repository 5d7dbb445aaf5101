import type { HostEntry } from '@syscribe/schemas'
import type { EnvironmentTarget } from './environment-targets.js'
import { type HostText, isLocalhost } from './host-name.js'
import { canonicalAddress, isLoopback } from './ip-address.js'

/** What a client is known to have called the destination of a connection by. */
export interface ClientView {
  /** Address and port of the destination as the client's kernel had them. */
  address: string
  port: number
  /** Of the first request, null when none was seen. */
  host: HostText | null
  /** TLS server name (RFC 6066 section 3). */
  serverName: string | null
  /** Hosts its environment names. */
  targets: readonly EnvironmentTarget[]
  /** Its /etc/hosts. */
  hosts: readonly HostEntry[]
  /** What its DNS answers up to then said, oldest first. */
  answers: readonly Answer[]
}

export interface Answer {
  name: string
  /** Canonical. */
  address: string
  /** Microseconds since the Unix epoch. */
  time: number
}

export interface NameWithReason {
  name: string
  reason: string
}

/**
 * The name the client itself used for a destination that is neither a container nor an observed process:
 *
 * 1. the Host header, when it is a name
 * 2. the TLS server name
 * 3. the latest DNS answer with this address; of several names for it the one that 4. says
 * 4. a variable of its environment that names this host and port
 * 5. its /etc/hosts, when that has one name for the address; not for loopback, whose names there are the host's own
 * 6. the Host header, when it is an address or localhost
 * 7. the address
 */
export function clientUsedName(view: ClientView): NameWithReason {
  if (view.host?.kind === 'name') return { name: view.host.text, reason: 'HTTP Host header' }
  if (view.serverName !== null && view.serverName !== '') {
    return { name: view.serverName.toLowerCase(), reason: 'TLS server name' }
  }
  const address = canonicalAddress(view.address) ?? view.address
  const target = environmentName({ ...view, address })
  const fromEnvironment = target && { name: target.host, reason: `variable ${target.variable} of its client` }
  const answers = view.answers.filter((one) => one.address === address)
  const answer = answers.at(-1)
  if (answer !== undefined) {
    // Several names lead to this address: the port tells which one was meant, where the environment has it.
    const better = target?.port === view.port && answers.some((one) => one.name === target.host)
    return better && fromEnvironment ? fromEnvironment : { name: answer.name, reason: 'DNS answer to its client' }
  }
  if (fromEnvironment) return fromEnvironment
  const named = isLoopback(address) ? null : hostsName(view.hosts, address)
  if (named !== null) return { name: named, reason: '/etc/hosts of its client' }
  if (view.host !== null) return { name: view.host.text, reason: 'HTTP Host header' }
  return { name: view.address, reason: 'address' }
}

/**
 * The variable that names this destination. First those whose host is known to have this address: with the port, then
 * without one when they agree. Then, of hosts whose address is not known, the only one with the port. `localhost` only
 * when no other name fits.
 */
export function environmentName(
  view: Pick<ClientView, 'address' | 'port' | 'targets' | 'hosts' | 'answers'>,
): EnvironmentTarget | null {
  const { address, port } = view
  const fitting = view.targets.filter((one) => one.port === port || one.port === null)
  const named = fitting.filter((one) => !isLocalhost(one.host))
  const known = named.map((one) => ({ one, relation: relationOf(one.host, view) }))
  const matching = known.filter(({ relation }) => relation === 'this').map(({ one }) => one)
  const withPort = matching.find((one) => one.port === port)
  if (withPort !== undefined) return withPort
  const only =
    onlyHost(matching) ??
    onlyHost(known.filter(({ one, relation }) => relation === 'unknown' && one.port === port).map(({ one }) => one))
  if (only !== null) return only
  return isLoopback(address) ? (fitting.find((one) => one.port === port && isLocalhost(one.host)) ?? null) : null
}

function onlyHost(targets: readonly EnvironmentTarget[]): EnvironmentTarget | null {
  const first = targets[0]
  return first !== undefined && targets.every((one) => one.host === first.host) ? first : null
}

/** Whether a name is known to lead to the address, to lead elsewhere, or neither. */
function relationOf(
  host: string,
  view: Pick<ClientView, 'address' | 'hosts' | 'answers'>,
): 'this' | 'other' | 'unknown' {
  const entries = view.hosts.filter((entry) => entry.names.includes(host)).map((entry) => entry.address)
  const answers = view.answers.filter((answer) => answer.name === host).map((answer) => answer.address)
  const addresses = [...entries, ...answers]
  if (addresses.includes(view.address)) return 'this'
  return addresses.length === 0 ? 'unknown' : 'other'
}

/** The one name /etc/hosts has for an address: further names count as the same when they begin with the same label. */
function hostsName(hosts: readonly HostEntry[], address: string): string | null {
  const names = hosts.filter((entry) => entry.address === address).flatMap((entry) => entry.names)
  const first = names[0]
  if (first === undefined) return null
  return names.every((name) => name.split('.')[0] === first.split('.')[0]) ? first : null
}
