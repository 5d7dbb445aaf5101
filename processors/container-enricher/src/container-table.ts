import type { KeyedState } from '@syscribe/runtime'
import { type Container, cgroupsAround } from '@syscribe/schemas'
import { certain, type Holding, holding, running } from './address-time.js'
import { type ContainerRun, containerRun } from './container-run.js'
import { type Candidate, meant, type Viewpoint } from './container-scope.js'
import type { EnricherEntry, KnownContainer, KnownHost } from './enricher-state.js'
import { isLoopback } from './ip-address.js'
import type { Place } from './place.js'
import { compareMatches, type Destination, type PortMatch, portMatch, reachesHost } from './published-port.js'

/** A stopped container is remembered as long as something sent before could still be named. Milliseconds. */
export const containerMemoryMs = 60 * 60 * 1000
const mostRuns = 8
/** What starts just before a list is begun is told as of its start. Milliseconds. */
const tellingMs = 2_000

type State = KeyedState<EnricherEntry>

/** The containers of all hosts, by id, cgroup and address, as of any recent time. */
export class ContainerTable {
  /** State keys by address. A cache of the state. */
  readonly #byAddress = new Map<string, Set<string>>()
  /** State keys by `host cgroup`. A cache of the state. */
  readonly #byCgroup = new Map<string, Set<string>>()
  /** State keys of containers with ports of the host, by `host transport/port`. A cache of the state. */
  readonly #publishing = new Map<string, Set<string>>()
  /** The boot last seen of each host. A cache of the state. */
  readonly #boots = new Map<string, string>()

  /** Takes in what a restored state holds. */
  load(key: string, entry: KnownContainer): void {
    this.#boots.set(entry.host, entry.boot)
    for (const run of entry.runs) this.#index(key, entry.host, run)
  }

  put(container: Container, now: number, state: State): void {
    const { host } = container
    const boot = container.boot.toString('hex')
    this.seeBoot(host, boot, container.time, state)
    const key = containerKey(host, container.id)
    if (state.get(key) === undefined) state.set(key, { kind: 'container', host, boot, runs: [] })
    const entry = state.update(key) as KnownContainer
    entry.boot = boot
    const at = entry.runs.findIndex((one) => one.from === container.from)
    const run = containerRun(container, entry.runs[at] ?? null, now)
    if (at >= 0) {
      this.#unindex(key, host, entry.runs[at] as ContainerRun)
      entry.runs[at] = run
    } else {
      entry.runs.push(run)
      entry.runs.sort((a, b) => a.from - b.from)
      if (entry.runs.length > mostRuns) entry.runs.shift()
    }
    // Its other runs may be on what was taken out of the index.
    for (const one of entry.runs) this.#index(key, host, one)
  }

  /** When a host has started anew, nothing of before runs any more: the stops were not seen. `time` in microseconds. */
  seeBoot(host: string, boot: string, time: number, state: State): void {
    if (this.#boots.get(host) === boot) return
    this.#boots.set(host, boot)
    for (const [key, entry] of [...state.entries()]) {
      if (entry.kind !== 'container' || entry.host !== host || entry.boot === boot) continue
      if (entry.runs.every((run) => run.to !== null)) continue
      for (const run of (state.update(key) as KnownContainer).runs) run.to ??= Math.max(time, run.from)
    }
  }

  /**
   * All that run on a host have been told of since a time (milliseconds): the others have stopped, and nobody saw it.
   */
  endUntold(host: string, since: number, state: State): void {
    const isOver = (run: ContainerRun) => run.to === null && run.toldAt < since - tellingMs
    for (const [key, entry] of [...state.entries()]) {
      if (entry.kind !== 'container' || entry.host !== host || !entry.runs.some(isOver)) continue
      for (const run of (state.update(key) as KnownContainer).runs) if (isOver(run)) run.to = since * 1000
    }
  }

  /** Whether a container is known by its id, at whatever time. */
  knows(host: string, id: string, now: number, state: State): boolean {
    const entry = state.get(containerKey(host, id))
    return entry?.kind === 'container' && entry.runs.some((run) => !isForgotten(run, now))
  }

  /**
   * The container of a process: the innermost of those its cgroup names that the runtime knows. Of its runs the one at
   * `time` (microseconds), else the nearest before, else the first: the process itself is the proof that it ran.
   */
  ofPlace(host: string, { containerIds, cgroup }: Place, time: number, now: number, state: State): ContainerRun | null {
    for (const id of containerIds) {
      const run = this.#runAt(containerKey(host, id), time, now, state)
      if (run !== null) return run
    }
    return this.ofCgroup(host, cgroup, time, now, state)
  }

  /** The container whose own cgroup a process is in, where its path names no id (`ctr`, /<namespace>/<name>). */
  ofCgroup(host: string, cgroup: string, time: number, now: number, state: State): ContainerRun | null {
    if (this.#byCgroup.size === 0) return null
    for (const path of cgroupsAround(cgroup)) {
      const found = this.#runsOf(this.#byCgroup.get(`${host} ${path}`), now, state).flatMap(({ run }) => {
        const how = run.cgroup === path ? running(run, time) : null
        return how === null ? [] : [{ run, how }]
      })
      const latest = lastStarted(certain(found))
      if (latest !== null) return latest
    }
    return null
  }

  /** The container that had an address at a time (microseconds), as one sees it who stands there. */
  byAddress(address: string, view: Viewpoint, time: number, now: number, state: State): ContainerRun | null {
    const keys = this.#byAddress.get(address)
    if (keys === undefined || isLoopback(address)) return null
    const candidates: Candidate[] = []
    for (const { host, run } of this.#runsOf(keys, now, state)) {
      if (run.hostNetwork) continue
      for (const held of run.addresses) {
        const how = held.address === address ? holding(run, held, time) : null
        if (how !== null) candidates.push({ host, run, network: held.network, how })
      }
    }
    return meant(candidates, view)
  }

  /**
   * The container a port of the host leads to. When two are said to have it, the best match, then the one started last:
   * of the other the stop was not seen.
   */
  byPublishedPort(
    destination: Destination,
    view: Viewpoint,
    host: KnownHost | null,
    time: number,
    now: number,
    state: State,
  ): ContainerRun | null {
    const keys = this.#publishing.get(portKey(view.host, destination.transport, destination.port))
    if (keys === undefined) return null
    const isHost = reachesHost(destination.address, view, host)
    const found: { run: ContainerRun; how: Holding; match: PortMatch }[] = []
    for (const { run } of this.#runsOf(keys, now, state)) {
      const match = portMatch(run, destination, isHost)
      const how = match === null ? null : running(run, time)
      if (match !== null && how !== null) found.push({ run, how, match })
    }
    const best = certain(found).map(({ match }) => match)
    best.sort(compareMatches)
    const run = lastStarted(certain(found).filter((one) => one.match === best[0]))
    if (run?.sandbox !== true) return run
    // The ports of a pod are its sandbox's; what listens has the same address.
    const address = run.addresses[0]?.address ?? ''
    return this.byAddress(address, view, time, now, state) ?? run
  }

  /** Drops what nothing can refer to any more. */
  sweep(key: string, entry: KnownContainer, now: number, state: State): void {
    const kept = entry.runs.filter((run) => !isForgotten(run, now))
    if (kept.length === entry.runs.length) return
    for (const run of entry.runs) this.#unindex(key, entry.host, run)
    if (kept.length === 0) state.delete(key)
    else {
      ;(state.update(key) as KnownContainer).runs = kept
      for (const run of kept) this.#index(key, entry.host, run)
    }
  }

  #runAt(key: string, time: number, now: number, state: State): ContainerRun | null {
    const entry = state.get(key)
    if (entry?.kind !== 'container') return null
    const runs = entry.runs.filter((run) => !isForgotten(run, now))
    return runs.findLast((run) => run.from <= time) ?? runs[0] ?? null
  }

  /** In an order that does not depend on when they came. */
  #runsOf(keys: Iterable<string> | undefined, now: number, state: State): { host: string; run: ContainerRun }[] {
    return [...(keys ?? [])].sort().flatMap((key) => {
      const entry = state.get(key)
      if (entry?.kind !== 'container') return []
      return entry.runs.filter((run) => !isForgotten(run, now)).map((run) => ({ host: entry.host, run }))
    })
  }

  #index(key: string, host: string, run: ContainerRun): void {
    for (const { address } of run.addresses) addTo(this.#byAddress, address, key)
    if (run.cgroup !== '') addTo(this.#byCgroup, `${host} ${run.cgroup}`, key)
    for (const { transport, hostPort } of run.ports) addTo(this.#publishing, portKey(host, transport, hostPort), key)
  }

  #unindex(key: string, host: string, run: ContainerRun): void {
    for (const { address } of run.addresses) removeFrom(this.#byAddress, address, key)
    removeFrom(this.#byCgroup, `${host} ${run.cgroup}`, key)
    for (const { transport, hostPort } of run.ports) {
      removeFrom(this.#publishing, portKey(host, transport, hostPort), key)
    }
  }
}

function containerKey(host: string, id: string): string {
  return `c${host}/${id}`
}

function portKey(host: string, transport: string, port: number): string {
  return `${host} ${transport}/${port}`
}

function lastStarted(found: readonly { run: ContainerRun }[]): ContainerRun | null {
  return found.reduce<ContainerRun | null>(
    (last, { run }) => (last === null || run.from > last.from ? run : last),
    null,
  )
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

function removeFrom(index: Map<string, Set<string>>, at: string, key: string): void {
  const keys = index.get(at)
  if (keys?.delete(key) === true && keys.size === 0) index.delete(at)
}
