import type { ContainerNetwork, PublishedPort } from '@syscribe/schemas'
import type { ContainerRuntimeError } from './runtime-error.js'

export type RuntimeKind = 'docker' | 'podman' | 'containerd'

/** A container as its runtime describes it now. */
export interface ContainerFacts {
  /** Full id. */
  id: string
  /** Without a leading slash; the id when it has no name. */
  name: string
  /** With its tag, as it was asked for; empty when unknown. */
  image: string
  labels: Record<string, string>
  running: boolean
  /** First process, in the pid namespace of the runtime; 0 when it does not run. */
  pid: number
  /** Microseconds since the Unix epoch; null when it never started or is not told. */
  startedAt: number | null
  /** Null while it runs, and when it is not told. */
  finishedAt: number | null
  hostNetwork: boolean
  /** Id of the container whose network it shares; null for one of its own. */
  networkOf: string | null
  /** Empty while it does not run. */
  networks: ContainerNetwork[]
  /** Only ports of TCP and UDP. */
  ports: PublishedPort[]
  /** Path of its cgroup as configured; empty when the runtime does not tell. */
  cgroup: string
}

/** Something happened to a container. */
export interface ContainerEvent {
  /**
   * created: it exists and does not run yet. starting: it is about to run. started: it runs. changed: its name or
   * networks did (Docker: the latter also just before it starts). stopped: its first process ended. removed: it exists
   * no more.
   */
  kind: 'created' | 'starting' | 'started' | 'changed' | 'stopped' | 'removed'
  id: string
  /** Microseconds since the Unix epoch, by the runtime's clock. */
  time: number
  /** What the event itself tells, for a container that is gone before it can be asked about. */
  told: Partial<Pick<ContainerFacts, 'name' | 'image' | 'labels' | 'pid'>>
}

/** A connection to a container runtime: made by `connectRuntime`, good until `lost` settles. */
export interface ContainerRuntime {
  readonly kind: RuntimeKind
  /** As it says itself. */
  readonly version: string
  /**
   * Asks for the events from now on; no more than one call. Docker and Podman deliver those of everything after this
   * call, so that listing afterwards leaves no gap; containerd those after the request has reached it.
   */
  subscribe(listener: (event: ContainerEvent) => void): void
  /** Ids of the containers that run. @throws ContainerRuntimeError */
  running(): Promise<string[]>
  /** Null when there is no such container. @throws ContainerRuntimeError */
  inspect(id: string): Promise<ContainerFacts | null>
  /** What is likely to be wrong though it answers, and what to do about it; null when all is well. */
  advice(): Promise<{ what: string; remedy: string } | null>
  /** Settles, with why, when the events have ended: by the runtime or by `close`. */
  readonly lost: Promise<ContainerRuntimeError>
  close(): void
}

/** A container of which nothing has been told but its id. */
export function unknownContainer(id: string): ContainerFacts {
  return {
    id,
    name: id,
    image: '',
    labels: {},
    running: false,
    pid: 0,
    startedAt: null,
    finishedAt: null,
    hostNetwork: false,
    networkOf: null,
    networks: [],
    ports: [],
    cgroup: '',
  }
}
