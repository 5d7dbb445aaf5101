import { certain, type Holding } from './address-time.js'
import type { ContainerRun } from './container-run.js'

/** Who sees an address: the same one may be another's elsewhere. */
export interface Viewpoint {
  host: string
  /** Inode number of its network namespace, 0 when unknown. */
  netns: number
  /** Its own container, null when it is in none. */
  container: ContainerRun | null
}

/** A container that had an address at the time. */
export interface Candidate {
  host: string
  run: ContainerRun
  network: string | null
  how: Holding
}

/**
 * The container an address means to who sees it; null when none, or when it cannot be told which. Exactness goes before
 * an answer:
 *
 * 1. A process with a network of its own inside a container (a runtime in a container) sees addresses nobody told us of.
 * 2. Containers of its own host. Those of others only on networks that are one on all hosts: of pods, and of a swarm.
 * 3. Of several, those on a network its own container is on too.
 * 4. Of several on one network the last started: of the earlier ones the stop was not seen.
 * 5. Of several on different networks none.
 *
 * Containers that share a network namespace are one: see `ofOneNamespace`.
 */
export function meant(candidates: readonly Candidate[], view: Viewpoint): ContainerRun | null {
  if (candidates.length === 0 || hasOwnNetwork(view)) return null
  const here = certain(candidates.filter((one) => one.host === view.host))
  const there = () => certain(candidates.filter((one) => one.host !== view.host && spansHosts(one, view)))
  const found = here.length > 0 ? here : there()
  const shared = found.filter((one) => one.network !== null && view.container?.networks.includes(one.network))
  const scoped = shared.length > 0 ? shared : found
  const groups = [...groupsOf(scoped).values()]
  const latest = groups.map(ofOneNamespace).sort((a, b) => b.run.from - a.run.from || compare(a, b))
  const [first, ...others] = latest
  if (first === undefined) return null
  return others.every((one) => onOneNetwork(one, first)) ? first.run : null
}

/** Whether a process is in a network namespace that its container's runtime did not make. */
function hasOwnNetwork({ container, netns }: Viewpoint): boolean {
  if (container === null || container.hostNetwork) return false
  return netns !== 0 && container.netns !== 0 && netns !== container.netns
}

/** Pods have addresses that are unique in their cluster; a swarm gives its networks one id on all hosts. */
function spansHosts({ run, network }: Candidate, { container }: Viewpoint): boolean {
  if (container === null) return false
  if (run.ref.pod !== null && container.ref.pod !== null) return true
  return network !== null && swarmNetwork.test(network) && container.networks.includes(network)
}

/** Twenty-five characters of base 36, where networks of one host have ids of 64 hex digits, or names. */
const swarmNetwork = /^[a-z0-9]{25}$/

/** Stale records of one container's predecessors apart from containers that share a network namespace now. */
function groupsOf(candidates: readonly Candidate[]): Map<string, Candidate[]> {
  const groups = new Map<string, Candidate[]>()
  for (const one of candidates) {
    const { podUid, netns, ref } = one.run
    const key = `${one.host}/${podUid === null ? (netns === 0 ? ref.id : `n${netns}`) : `p${podUid}`}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [one])
    else group.push(one)
  }
  return groups
}

/**
 * Of containers that share a network namespace: the only one that is more than its holder (a pod's sandbox). Of several
 * it cannot be told which listens: then it is the one that was first, which holds the network.
 */
function ofOneNamespace(group: readonly Candidate[]): Candidate {
  const programs = group.filter((one) => !one.run.sandbox)
  if (programs.length === 1) return programs[0] as Candidate
  const holders = group.filter((one) => one.run.sandbox)
  const among = holders.length > 0 ? holders : group
  return [...among].sort((a, b) => a.run.from - b.run.from || compare(a, b))[0] as Candidate
}

function onOneNetwork(one: Candidate, other: Candidate): boolean {
  return one.network === null || other.network === null || one.network === other.network
}

/** For one answer from records that leave it open. */
function compare(a: Candidate, b: Candidate): number {
  const [one, other] = [`${a.host}/${a.run.ref.id}`, `${b.host}/${b.run.ref.id}`]
  return one < other ? -1 : one > other ? 1 : 0
}
