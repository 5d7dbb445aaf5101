import type { KeyedState } from '@syscribe/runtime'
import type { Container } from '@syscribe/schemas'
import { type ContainerRun, containerRun, publishes, ranAt } from './container-run.js'
import type { EnricherEntry, KnownContainer } from './enricher-state.js'
import { isLoopback } from './ip-address.js'

/** A stopped container is remembered as long as something sent before could still be named. Milliseconds. */
export const containerMemoryMs = 60 * 60 * 1000
const mostRuns = 8

type State = KeyedState<EnricherEntry>

/** The containers of all hosts, by id and by address, as of any recent time. */
export class ContainerTable {
  /** State keys by `host address`. A cache of the state. */
  readonly #byAddress = new Map<string, Set<string>>()
  /** State keys of containers with published ports, by host. A cache of the state. */
  readonly #publishing = new Map<string, Set<string>>()

  /** Takes in what a restored state holds. */
  load(key: string, entry: KnownContainer): void {
    for (const run of entry.runs) this.#index(key, entry.host, run)
  }

  put(container: Container, state: State): void {
    const key = containerKey(container.host, container.id)
    if (state.get(key) === undefined) state.set(key, { kind: 'container', host: container.host, runs: [] })
    const entry = state.update(key) as KnownContainer
    const run = containerRun(container)
    const known = entry.runs.findIndex((one) => one.from === run.from)
    if (known >= 0) {
      // A stopped container is on no network any more: its addresses are those it had.
      if (run.addresses.length === 0) run.addresses = (entry.runs[known] as ContainerRun).addresses
      entry.runs[known] = run
    } else {
      entry.runs.push(run)
      entry.runs.sort((a, b) => a.from - b.from)
      if (entry.runs.length > mostRuns) entry.runs.shift()
    }
    this.#index(key, container.host, run)
  }

  /** The container with this id. Of its runs the one at `time` (microseconds), else the nearest before, else the first. */
  byId(host: string, id: string, time: number, now: number, state: State): ContainerRun | null {
    const entry = state.get(containerKey(host, id))
    if (entry?.kind !== 'container') return null
    const runs = entry.runs.filter((run) => !isForgotten(run, now))
    return runs.findLast((run) => run.from <= time) ?? runs[0] ?? null
  }

  /**
   * The container that had an address at a time: on the host that saw it, else on the only other host that had one
   * (networks can span hosts).
   */
  byAddress(host: string, address: string, time: number, now: number, state: State): ContainerRun | null {
    if (isLoopback(address)) return null
    const found: { host: string; run: ContainerRun }[] = []
    for (const key of this.#byAddress.get(address) ?? []) {
      const entry = state.get(key)
      if (entry?.kind !== 'container') continue
      const run = entry.runs.findLast((one) => isAt(one, time, now) && has(one, address))
      if (run !== undefined) found.push({ host: entry.host, run })
    }
    const here = found.filter((one) => one.host === host)
    // An address belongs to one container at a time: an earlier one's stop was not seen.
    here.sort((a, b) => b.run.from - a.run.from)
    return here[0]?.run ?? (found.length === 1 ? (found[0]?.run ?? null) : null)
  }

  /** The container of this host that a published port leads to. */
  byPublishedPort(
    host: string,
    destination: { address: string; port: number; transport: 'tcp' | 'udp' },
    time: number,
    now: number,
    state: State,
  ): ContainerRun | null {
    const { address, port, transport } = destination
    for (const key of this.#publishing.get(host) ?? []) {
      const entry = state.get(key)
      if (entry?.kind !== 'container') continue
      const run = entry.runs.findLast((one) => isAt(one, time, now) && publishes(one, address, port, transport))
      if (run !== undefined) return run
    }
    return null
  }

  /** Drops what nothing can refer to any more. */
  sweep(key: string, entry: KnownContainer, now: number, state: State): void {
    const kept = entry.runs.filter((run) => !isForgotten(run, now))
    if (kept.length === entry.runs.length) return
    if (kept.length > 0) (state.update(key) as KnownContainer).runs = kept
    else {
      state.delete(key)
      for (const run of entry.runs) for (const address of run.addresses) this.#byAddress.get(address)?.delete(key)
      this.#publishing.get(entry.host)?.delete(key)
    }
  }

  #index(key: string, host: string, run: ContainerRun): void {
    for (const address of run.addresses) addTo(this.#byAddress, address, key)
    if (run.ports.length > 0) addTo(this.#publishing, host, key)
  }
}

function containerKey(host: string, id: string): string {
  return `c${host}/${id}`
}

function has(run: ContainerRun, address: string): boolean {
  return !run.hostNetwork && run.addresses.includes(address)
}

function isAt(run: ContainerRun, time: number, now: number): boolean {
  return ranAt(run, time) && !isForgotten(run, now)
}

/** The same whether it was swept or not, so that naming does not depend on when that is. */
function isForgotten(run: ContainerRun, now: number): boolean {
  return run.to !== null && run.to / 1000 + containerMemoryMs < now
}

function addTo(index: Map<string, Set<string>>, at: string, key: string): void {
  const keys = index.get(at)
  if (keys === undefined) index.set(at, new Set([key]))
  else keys.add(key)
}
