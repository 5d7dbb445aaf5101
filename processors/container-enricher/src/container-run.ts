import type { Container, ContainerRef, PublishedPort } from '@syscribe/schemas'
import { canonicalAddress, isLoopback } from './ip-address.js'
import { podOf } from './pod.js'

/** A container from one start to its stop. */
export interface ContainerRun {
  ref: ContainerRef
  /** Canonical. */
  addresses: string[]
  ports: PublishedPort[]
  hostNetwork: boolean
  /** Microseconds since the Unix epoch. */
  from: number
  /** Null while it runs. */
  to: number | null
}

export function containerRun(container: Container): ContainerRun {
  const { service, image, id, name, ports, hostNetwork, from, to } = container
  const addresses = container.addresses.flatMap((address) => canonicalAddress(address) ?? [])
  return { ref: { service, image, id, name, pod: podOf(container.labels) }, addresses, ports, hostNetwork, from, to }
}

/** Whether it ran at a time, in microseconds since the Unix epoch. */
export function ranAt(run: ContainerRun, time: number): boolean {
  return run.from <= time && (run.to === null || time <= run.to)
}

/**
 * Whether a destination is a port the host leads to this container: a published port of this very address, or of all
 * addresses (0.0.0.0, ::) reached over loopback; which other addresses are the host's is not known here.
 */
export function publishes(run: ContainerRun, address: string, port: number, transport: 'tcp' | 'udp'): boolean {
  return run.ports.some((published) => {
    if (published.hostPort !== port || published.transport !== transport) return false
    const on = canonicalAddress(published.hostAddress)
    return on === address || ((on === '0.0.0.0' || on === '::') && isLoopback(address))
  })
}
