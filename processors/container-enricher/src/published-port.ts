import type { PublishedPort } from '@syscribe/schemas'
import type { ContainerRun } from './container-run.js'
import type { Viewpoint } from './container-scope.js'
import type { KnownHost } from './enricher-state.js'
import { isLoopback } from './ip-address.js'

/** What a client connected to. */
export interface Destination {
  /** Canonical. */
  address: string
  port: number
  transport: 'tcp' | 'udp'
}

/**
 * How the host leads a client from a destination to a container: by a published port of this very address, by one of all
 * addresses of its family, by one of all addresses of the other (Podman and Docker's proxy take both); or not.
 * A container on the host's network is led to by the ports its runtime knows it by.
 */
export type PortMatch = 'address' | 'family' | 'any'

const rank: Record<PortMatch, number> = { address: 0, family: 1, any: 2 }

/** @param isHostAddress whether the client reaches the host by the address: see `reachesHost`. */
export function portMatch(run: ContainerRun, destination: Destination, isHostAddress: boolean): PortMatch | null {
  let best: PortMatch | null = null
  for (const published of run.ports) {
    const match = matchOf(published, destination, isHostAddress)
    if (match !== null && (best === null || rank[match] < rank[best])) best = match
  }
  return best
}

/** Orders matches, the best first. */
export function compareMatches(one: PortMatch, other: PortMatch): number {
  return rank[one] - rank[other]
}

/**
 * Whether an address is the host's to this client: one of its interfaces, bridges included; a gateway of a network the
 * client's container is on; loopback in the host's own network namespace, not inside a container, whose own that is.
 */
export function reachesHost(address: string, view: Viewpoint, host: KnownHost | null): boolean {
  if (isLoopback(address)) return isInHostNetwork(view, host)
  return host?.addresses.includes(address) === true || view.container?.gateways.includes(address) === true
}

export function isInHostNetwork({ container, netns }: Viewpoint, host: KnownHost | null): boolean {
  if (netns !== 0 && host !== null && host.netns !== 0) return netns === host.netns
  return container === null || container.hostNetwork
}

function matchOf(
  published: PublishedPort,
  { address, port, transport }: Destination,
  isHost: boolean,
): PortMatch | null {
  if (published.hostPort !== port || published.transport !== transport) return null
  const on = published.hostAddress
  // Another container's loopback has the same address.
  if (on === address) return isLoopback(on) && !isHost ? null : 'address'
  if (!isHost) return null
  if (on === '') return 'family'
  if (on === '0.0.0.0') return address.includes(':') ? 'any' : 'family'
  if (on === '::') return address.includes(':') ? 'family' : 'any'
  return null
}
