import type { Container } from '@syscribe/schemas'
import type { HostIdentity } from '../host-identity.js'
import type { ContainerProcess } from './container-process.js'
import type { ContainerFacts, RuntimeKind } from './container-runtime.js'

/** A container's record but for when it is published. */
export type Run = Omit<Container, 'time' | 'timeNanos'>

/** A record to publish, and since when what it says holds: microseconds since the Unix epoch. */
export interface RunChange {
  run: Run
  at: number
}

/**
 * The runs of containers: from a start, or from when its name, addresses or ports became others, to the stop or the next
 * such change. Makes the records of what is told about containers; asks nobody.
 */
export class ContainerRuns {
  readonly #identity: HostIdentity
  readonly #open = new Map<string, Run>()

  constructor(identity: HostIdentity) {
    this.#identity = identity
  }

  /** Ids of those that run, as far as is known. */
  get running(): string[] {
    return [...this.#open.keys()]
  }

  isRunning(id: string): boolean {
    return this.#open.has(id)
  }

  /** As it was told last. */
  run(id: string): Run | undefined {
    return this.#open.get(id)
  }

  /**
   * A description of a container, as of `at`.
   * @param repeat tell a run that is known already once more
   */
  described(
    runtime: RuntimeKind,
    facts: ContainerFacts,
    process: ContainerProcess,
    at: number,
    repeat = false,
  ): RunChange[] {
    const open = this.#open.get(facts.id)
    if (!facts.running) return this.stopped(facts.id, facts.finishedAt ?? at)
    // What /proc says is exact; the runtime's word comes late.
    const from = process.startedAt ?? Math.min(facts.startedAt ?? at, at)
    if (open === undefined) return [this.#begin(this.#run(runtime, facts, process, from, null))]
    if (open.pid !== facts.pid) {
      const begun = Math.max(from, open.from + 1)
      return [...this.stopped(facts.id, begun), this.#begin(this.#run(runtime, facts, process, begun, null))]
    }
    const same = this.#run(runtime, facts, process, open.from, null)
    if (appearance(same) === appearance(open)) return repeat ? [{ run: open, at }] : []
    const changed = Math.max(at, open.from + 1)
    return [...this.stopped(facts.id, changed), this.#begin({ ...same, from: changed })]
  }

  /** A run that was over before it could be described. @param at when it is known to have begun, at the latest */
  passed(runtime: RuntimeKind, facts: ContainerFacts, at: number): RunChange[] {
    const from = Math.min(facts.startedAt ?? at, at)
    const process = { cgroup: facts.cgroup, netns: 0, startedAt: null }
    const run = this.#run(runtime, facts, process, from, Math.max(from, facts.finishedAt ?? at))
    return [{ run, at: from }]
  }

  /** It stopped at `to`; nothing when it was not known to run. */
  stopped(id: string, to: number): RunChange[] {
    const open = this.#open.get(id)
    if (open === undefined) return []
    this.#open.delete(id)
    const run = { ...open, to: Math.max(to, open.from) }
    return [{ run, at: run.to }]
  }

  #begin(run: Run): RunChange {
    this.#open.set(run.id, run)
    return { run, at: run.from }
  }

  #run(runtime: RuntimeKind, facts: ContainerFacts, process: ContainerProcess, from: number, to: number | null): Run {
    return {
      ...this.#identity,
      runtime,
      id: facts.id,
      name: facts.name,
      image: facts.image,
      service: facts.labels['com.docker.compose.service'] || null,
      labels: facts.labels,
      addresses: [...new Set(facts.networks.flatMap(({ addresses }) => addresses))],
      hostNetwork: facts.hostNetwork,
      ports: facts.ports,
      cgroup: process.cgroup,
      pid: facts.pid,
      from,
      to,
      netns: process.netns,
      networks: facts.networks,
    }
  }
}

/** What others see of a container. */
function appearance({ name, image, labels, ports, networks, hostNetwork }: Run): string {
  return JSON.stringify([name, image, Object.entries(labels).sort(), ports, networks, hostNetwork])
}
