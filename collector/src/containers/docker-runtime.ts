import { ZodError, z } from 'zod'
import type { ContainerEvent, ContainerFacts, ContainerRuntime, RuntimeKind } from './container-runtime.js'
import type { DockerApi } from './docker-api.js'
import { dockerFacts } from './docker-description.js'
import { dockerEvent } from './docker-events.js'
import { ContainerRuntimeError } from './runtime-error.js'

const summaries = z.array(z.object({ Id: z.string().min(1) }))
const wanted = JSON.stringify({ type: ['container', 'network'] })

/** Docker or Podman, by the HTTP API that both answer. */
export class DockerRuntime implements ContainerRuntime {
  readonly kind: RuntimeKind
  readonly version: string
  readonly lost: Promise<ContainerRuntimeError>
  readonly #api: DockerApi
  readonly #abort = new AbortController()
  #tellLost: (error: ContainerRuntimeError) => void = () => {}

  constructor(api: DockerApi, kind: 'docker' | 'podman', version: string) {
    this.#api = api
    this.kind = kind
    this.version = version
    this.lost = new Promise((resolve) => {
      this.#tellLost = resolve
    })
  }

  subscribe(listener: (event: ContainerEvent) => void): void {
    // What happens while the request is on its way is told too, because of `since`. Podman cannot filter by "network".
    const since = (Date.now() / 1000).toFixed(3)
    const filters = this.kind === 'docker' ? `&filters=${encodeURIComponent(wanted)}` : ''
    const onLine = (value: unknown) => {
      const event = this.#parsed('an event', () => dockerEvent(value))
      if (event !== null) listener(event)
    }
    void this.#api.follow(`/events?since=${since}${filters}`, onLine, this.#abort.signal).then(this.#tellLost)
  }

  async running(): Promise<string[]> {
    const answer = await this.#api.get('/containers/json')
    if (answer === null) throw this.#badAnswer('the list of containers', 'status 404')
    return this.#parsed('the list of containers', () => summaries.parse(answer.body)).map(({ Id }) => Id)
  }

  async inspect(id: string): Promise<ContainerFacts | null> {
    const answer = await this.#api.get(`/containers/${encodeURIComponent(id)}/json`)
    if (answer === null) return null
    const facts = this.#parsed(`container ${id}`, () => dockerFacts(answer.body))
    return facts.networkOf === null ? facts : this.#withNetworkOf(facts, facts.networkOf)
  }

  async advice(): Promise<null> {
    return null
  }

  close(): void {
    this.#abort.abort()
    this.#api.close()
    this.#tellLost(new ContainerRuntimeError('unavailable', `${this.#api.socket}: closed`))
  }

  /** Whoever shares another container's network has its addresses; its published ports stay the other's. */
  async #withNetworkOf(facts: ContainerFacts, owner: string): Promise<ContainerFacts> {
    const answer = facts.running ? await this.#api.get(`/containers/${encodeURIComponent(owner)}/json`) : null
    if (answer === null) return facts
    const { networks, hostNetwork } = this.#parsed(`container ${owner}`, () => dockerFacts(answer.body))
    return { ...facts, networks, hostNetwork }
  }

  #parsed<T>(what: string, parse: () => T): T {
    try {
      return parse()
    } catch (cause) {
      if (!(cause instanceof ZodError)) throw cause
      const [issue] = cause.issues
      throw this.#badAnswer(what, `${issue?.path.join('.')}: ${issue?.message}`, cause)
    }
  }

  #badAnswer(what: string, why: string, cause?: unknown): ContainerRuntimeError {
    const options = cause === undefined ? {} : { cause }
    return new ContainerRuntimeError('bad_answer', `${this.#api.socket}: ${what} cannot be read: ${why}`, options)
  }
}
