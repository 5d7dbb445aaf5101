import type { ContainerEvent, ContainerFacts, ContainerRuntime } from '../container-runtime.js'
import { describeNetworks } from '../network-namespace.js'
import type { ContainerRuntimeError } from '../runtime-error.js'
import type { ContainerdApi, Envelope, Task } from './containerd-api.js'
import { containerdName, nerdctlNetworks, nerdctlPorts, podPorts, specCgroup } from './containerd-description.js'

/** containerd, with or without nerdctl or Kubernetes on it. */
export class ContainerdRuntime implements ContainerRuntime {
  readonly kind = 'containerd'
  readonly version: string
  readonly lost: Promise<ContainerRuntimeError>
  readonly #api: ContainerdApi
  #tellLost: (error: ContainerRuntimeError) => void = () => {}
  #unsubscribe: () => void = () => {}

  constructor(api: ContainerdApi, version: string) {
    this.#api = api
    this.version = version
    this.lost = new Promise((resolve) => {
      this.#tellLost = resolve
    })
  }

  subscribe(listener: (event: ContainerEvent) => void): void {
    const onEvent = (envelope: Envelope) => {
      const event = containerdEvent(envelope)
      if (event !== null) listener(event)
    }
    this.#unsubscribe = this.#api.subscribe(onEvent, this.#tellLost)
  }

  async running(): Promise<string[]> {
    return (await this.#api.tasks()).filter(isRunning).map((task) => task.container_id || task.id)
  }

  async inspect(id: string): Promise<ContainerFacts | null> {
    const container = await this.#api.container(id)
    if (container === null) return null
    const task = await this.#api.task(id)
    const running = task !== null && isRunning(task)
    const { labels } = container
    const pid = running ? task.pid : 0
    return {
      id,
      name: containerdName(id, labels),
      image: container.image,
      labels,
      running,
      pid,
      startedAt: null,
      finishedAt: task === null || running ? null : microseconds(task.exited_at),
      ...describeNetworks(pid, nerdctlNetworks(labels), `containerd/${this.#api.namespace}`),
      networkOf: null,
      ports: [...nerdctlPorts(labels), ...podPorts(container.extensions)],
      cgroup: specCgroup(container.spec?.value),
    }
  }

  /** Namespaces are made with their first container, so one that is missing may come yet. */
  async advice(): Promise<{ what: string; remedy: string } | null> {
    const { namespace } = this.#api
    const namespaces = await this.#api.namespaces()
    if (namespaces.includes(namespace)) return null
    const others = namespaces.length === 0 ? 'it has none at all' : `it has ${namespaces.sort().join(', ')}`
    return {
      what: `it has no namespace "${namespace}": ${others}`,
      remedy:
        'Set CONTAINERD_NAMESPACE: default for nerdctl, k8s.io for Kubernetes, moby for the containers of Docker.',
    }
  }

  close(): void {
    this.#unsubscribe()
    this.#api.close()
  }
}

function isRunning({ status, pid }: Task): boolean {
  return pid > 0 && (status === 'RUNNING' || status === 'PAUSED' || status === 'PAUSING')
}

function microseconds(at: { seconds: number; nanos: number } | null): number | null {
  return at === null || at.seconds <= 0 ? null : at.seconds * 1_000_000 + Math.floor(at.nanos / 1000)
}

/** Null for what says nothing of a container's life. */
export function containerdEvent({ topic, timestamp, event }: Envelope): ContainerEvent | null {
  const time = microseconds(timestamp) ?? 0
  const field = (name: string) => (typeof event?.[name] === 'string' ? (event[name] as string) : '')
  const image = field('image') === '' ? {} : { image: field('image') }
  switch (topic) {
    case '/containers/create':
      return { kind: 'created', id: field('id'), time, told: image }
    case '/containers/update':
      return { kind: 'changed', id: field('id'), time, told: image }
    case '/containers/delete':
      return { kind: 'removed', id: field('id'), time, told: {} }
    case '/tasks/create':
      return { kind: 'starting', id: field('container_id'), time, told: {} }
    case '/tasks/start':
      return { kind: 'started', id: field('container_id'), time, told: { pid: Number(event?.pid) || 0 } }
    case '/tasks/exit':
      // A process that was added to the container (`exec`) has an id of its own.
      if (field('id') !== field('container_id')) return null
      return { kind: 'stopped', id: field('container_id'), time, told: {} }
    default:
      return null
  }
}
