import type { Container, ContainerRef, PublishedPort } from '@syscribe/schemas'
import { canonicalAddress } from './ip-address.js'
import { isSandbox, podOf, podUid } from './pod.js'

/** A container from one start to its stop. */
export interface ContainerRun {
  ref: ContainerRef
  addresses: HeldAddress[]
  /** With canonical addresses; an empty one, 0.0.0.0 and :: stand for all of the host. */
  ports: PublishedPort[]
  hostNetwork: boolean
  /** Inode number of its network namespace, 0 when unknown. */
  netns: number
  /** The networks it is on now. */
  networks: string[]
  /** Addresses by which it reaches its host. Canonical. */
  gateways: string[]
  /** It only holds the network of its pod. */
  sandbox: boolean
  podUid: string | null
  cgroup: string
  /** When it was last told of: milliseconds. */
  toldAt: number
  /** Microseconds since the Unix epoch. */
  from: number
  /** Null while it runs. */
  to: number | null
}

/** An address a container had for a time: networks are joined and left while it runs. */
export interface HeldAddress {
  /** Canonical. */
  address: string
  /** Null when not known. */
  network: string | null
  /** Microseconds since the Unix epoch. */
  from: number
  /** Null as long as the container has it. */
  to: number | null
}

/**
 * A run as a record tells it.
 * @param known what earlier records told of the same run, null when it is the first.
 * @param now timestamp of the record, milliseconds.
 */
export function containerRun(container: Container, known: ContainerRun | null, now: number): ContainerRun {
  const { service, image, id, name, labels, hostNetwork, netns, cgroup, from, to, networks } = container
  return {
    ref: { service: service === '' ? null : service, image: withTag(image), id, name, pod: podOf(labels) },
    addresses: heldAddresses(container, known),
    ports: container.ports.map((port) => ({ ...port, hostAddress: canonicalAddress(port.hostAddress) ?? '' })),
    hostNetwork,
    netns: netns === 0 ? (known?.netns ?? 0) : netns,
    networks: networks.length === 0 ? (known?.networks ?? []) : networks.map((network) => network.name),
    gateways: networks.length === 0 ? (known?.gateways ?? []) : canonicalOf(networks.flatMap((one) => one.gateways)),
    sandbox: isSandbox(labels, image),
    podUid: podUid(labels),
    cgroup: cgroup === '' ? (known?.cgroup ?? '') : cgroup,
    toldAt: now,
    from,
    to,
  }
}

/**
 * An image by its tag: what was asked for without one is `latest` (Docker's and the OCI distribution's way). Images asked for
 * by digest or by their own id stay as they are.
 */
function withTag(image: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1)
  return name === '' || /[:@]/.test(name) || /^[0-9a-f]{12,64}$/.test(name) ? image : `${image}:latest`
}

/** What is told no more ended when that was told: a stopped container is on no network, but had the addresses it had. */
function heldAddresses(container: Container, known: ContainerRun | null): HeldAddress[] {
  const held = known?.addresses ?? []
  const told = toldAddresses(container)
  // Those of the first record that has any are from the start on: the network is made before the program runs.
  const since = held.length === 0 ? container.from : container.time
  const isTold = (one: HeldAddress) =>
    told.some(({ address, network }) => address === one.address && same(network, one))
  const before = held.map((one) => (one.to === null && !isTold(one) ? { ...one, to: container.time } : one))
  const added = told.filter(({ address, network }) => {
    return !before.some((one) => one.to === null && one.address === address && same(network, one))
  })
  return [...before, ...added.map((one) => ({ ...one, from: since, to: null }))].slice(-mostAddresses)
}

const mostAddresses = 64

function same(network: string | null, one: HeldAddress): boolean {
  return network === null || one.network === null || network === one.network
}

function toldAddresses({ addresses, networks }: Container): { address: string; network: string | null }[] {
  const ofNetworks = networks.flatMap(({ name, addresses }) =>
    canonicalOf(addresses).map((address) => ({ address, network: name })),
  )
  const others = canonicalOf(addresses).filter((address) => !ofNetworks.some((one) => one.address === address))
  return [...ofNetworks, ...others.map((address) => ({ address, network: null }))]
}

function canonicalOf(addresses: readonly string[]): string[] {
  return [...new Set(addresses.flatMap((address) => canonicalAddress(address) ?? []))]
}
