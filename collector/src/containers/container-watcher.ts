import type { Container } from '@syscribe/schemas'
import type { Logger } from 'pino'
import type { HostIdentity } from '../host-identity.js'
import type { Instant } from '../native.js'
import type { ContainerNews, ContainersRound } from '../publisher.js'
import { connectRuntime } from './connect-runtime.js'
import { containerProcess } from './container-process.js'
import { ContainerRuns, type RunChange } from './container-runs.js'
import {
  type ContainerEvent,
  type ContainerFacts,
  type ContainerRuntime,
  unknownContainer,
} from './container-runtime.js'
import { hostNetwork } from './host-network.js'
import { listeningPorts } from './listening-ports.js'
import { PendingNews } from './pending-news.js'
import { ContainerRuntimeError, fromSocketError } from './runtime-error.js'
import { WatermarkHolds } from './watermark-holds.js'

/** Where to find the runtime. */
export interface ContainerSource {
  /** Path of its socket. */
  socket: string
  /** Namespace of containerd. */
  namespace: string
}

/** Events reach us this much later than what they tell of, at most: the watermark stays that far behind. Milliseconds. */
const settleMs = 1_000
/** How long the start and the end of capture wait for the runtime. Milliseconds. */
const startMs = 10_000
const stopMs = 3_000
/** Waits between attempts to connect, the last one for ever. Milliseconds. */
const backOffMs = [250, 500, 1_000, 2_000, 5_000, 10_000]
/** The host's own addresses are looked at this often. Milliseconds. */
const hostMs = 1_000
/** A container that the runtime does not know is asked for again after this. Milliseconds. */
const unknownMs = 10_000
/** containerd does not say when its events are followed: what came before is found by listing once more. Milliseconds. */
const listAgainMs = 2_000
/** Ports of a container on the host's network are looked for as often as the host's addresses, and later this often. */
const soonListeningMs = 30_000
const listeningMs = 30_000
/** Containers asked about at once. */
const concurrency = 16
/** A container that was about to start longer ago did not do so then. Milliseconds. */
const startingMs = 60_000
/** Containers kept in mind that have not started. */
const mostRemembered = 10_000

/**
 * Watches one container runtime: those that run at first, then by its events. When the runtime goes away, it is looked
 * for until it is back, and what happened meanwhile is told then. It never fails: what is wrong goes to the log.
 */
export class ContainerWatcher {
  readonly #source: ContainerSource
  readonly #identity: HostIdentity
  readonly #logger: Logger
  readonly #runs: ContainerRuns
  /** Began to watch: microseconds since the Unix epoch. */
  readonly #since = Date.now() * 1000
  readonly #created = new Map<string, ContainerFacts>()
  /** When containers were last about to start, microseconds since the Unix epoch. */
  readonly #starting = new Map<string, number>()
  /** When a container was last expected, milliseconds. */
  readonly #expected = new Map<string, number>()
  /** What is being asked about a container: the end of its chain, so that its events keep their order. */
  readonly #asked = new Map<string, Promise<void>>()
  readonly #holds = new WatermarkHolds()
  /** What lets go of the watermark for containers that are about to start. */
  readonly #startHolds = new Map<string, () => void>()
  readonly #news = new PendingNews()
  #runtime: ContainerRuntime | null = null
  #complete = false
  /** The host as last told, as text, and when that was looked at. */
  #hostTold = ''
  #hostSeen = 0
  /** When the ports of a container on the host's network were looked for, milliseconds. */
  readonly #portsSeen = new Map<string, number>()
  #lastFault = ''
  #stopping = false
  #wake: () => void = () => {}
  #listed: () => void = () => {}
  readonly #ready: Promise<void>
  readonly #ended: Promise<void>

  constructor(source: ContainerSource, identity: HostIdentity, logger: Logger) {
    this.#source = source
    this.#identity = identity
    this.#logger = logger
    this.#runs = new ContainerRuns(identity)
    this.#ready = new Promise((resolve) => {
      this.#listed = resolve
    })
    this.#tellHost(this.#since)
    this.#ended = this.#watch()
  }

  /** Resolves when the containers that run have been listed, or cannot be now, or that takes too long. */
  ready(): Promise<void> {
    return within(startMs, this.#ready)
  }

  /**
   * A process was seen in a cgroup that names this container: what is not known yet is asked for at once.
   * @param time microseconds since the Unix epoch
   */
  expect(id: string, time: number): void {
    if (this.#runtime === null || this.#runs.isRunning(id) || this.#asked.has(id)) return
    const now = Date.now()
    if (now - (this.#expected.get(id) ?? Number.NEGATIVE_INFINITY) < unknownMs) return
    remember(this.#expected, id, now)
    void this.#ask(id, time, (runtime) => this.#describe(runtime, id, time, false))
  }

  /** Whether something is being found out that the watermark waits for. */
  get busy(): boolean {
    return this.#news.any || this.#holds.waiting
  }

  /** What became known since the last call. @param captured capture is known up to here */
  take(captured: Instant): ContainersRound {
    if (Date.now() - this.#hostSeen > hostMs) {
      this.#tellHost(Date.now() * 1000)
      this.#lookForPorts(Date.now())
    }
    return this.#news.take(this.#holds.limit(captured.time - settleMs * 1000))
  }

  /** Asks once more what runs, and ends watching; `rest` has what that told. */
  async stop(): Promise<void> {
    const runtime = this.#runtime
    if (runtime !== null)
      await within(
        stopMs,
        this.#list(runtime, false).catch(() => {}),
      )
    await within(stopMs, Promise.all(this.#asked.values()))
    this.#stopping = true
    this.#runtime?.close()
    this.#wake()
    await this.#ended
  }

  /** What is left after `stop`. @param captured capture ended here */
  rest(captured: Instant): ContainersRound {
    return this.#news.rest(captured.time)
  }

  async #watch(): Promise<void> {
    for (let attempt = 0; !this.#stopping; attempt++) {
      const connectedAt = Date.now()
      try {
        await this.#follow(await connectRuntime(this.#source.socket, this.#source.namespace))
        if (Date.now() - connectedAt > 10_000) attempt = 0
      } catch (error) {
        this.#fault(error)
      }
      this.#listed()
      if (!this.#stopping) await this.#pause(backOffMs[Math.min(attempt, backOffMs.length - 1)] as number)
    }
  }

  /** Until the connection is lost. */
  async #follow(runtime: ContainerRuntime): Promise<void> {
    if (this.#stopping) return runtime.close()
    this.#runtime = runtime
    let again: NodeJS.Timeout | undefined
    try {
      runtime.subscribe((event) => this.#on(event))
      const listing = this.#list(runtime, true).then(() => {
        if (this.#runtime !== runtime) return
        again = setTimeout(() => void this.#list(runtime, false).catch(() => {}), listAgainMs).unref()
        this.#complete = true
        this.#tellHost(Date.now() * 1000)
        this.#lastFault = ''
        this.#listed()
        const { kind, version } = runtime
        this.#logger.info({ runtime: kind, version, containers: this.#runs.running.length }, 'containers are watched')
        return this.#advise(runtime)
      })
      const lost = runtime.lost.then((error) => Promise.reject(error))
      await Promise.race([Promise.all([listing, lost]), lost])
    } finally {
      clearTimeout(again)
      this.#runtime = null
      this.#complete = false
      runtime.close()
      this.#tellHost(Date.now() * 1000)
    }
  }

  async #advise(runtime: ContainerRuntime): Promise<void> {
    const advice = await runtime.advice()
    if (advice !== null) this.#logger.warn({ runtime: runtime.kind, ...advice }, 'there may be no containers to watch')
  }

  #fault(error: unknown): void {
    if (this.#stopping) return
    const fault = error instanceof ContainerRuntimeError ? error : fromSocketError(this.#source.socket, error)
    const { socket } = this.#source
    if (this.#lastFault === fault.message) return
    this.#lastFault = fault.message
    this.#logger.warn(
      { socket, code: fault.code, reason: fault.message },
      'containers are not watched now; trying again until the runtime answers',
    )
  }

  /** Finds out what runs; those that run no more have stopped. */
  async #list(runtime: ContainerRuntime, repeat: boolean): Promise<void> {
    const asked = Date.now() * 1000
    const listed = await runtime.running()
    const gone = this.#runs.running.filter((id) => !listed.includes(id))
    const ids = repeat ? [...listed, ...gone] : [...listed.filter((id) => !this.#runs.isRunning(id)), ...gone]
    await forEach(ids, concurrency, async (id) => {
      await this.#ask(id, asked, (now) => this.#describe(now, id, asked, repeat))
    })
  }

  #on(event: ContainerEvent): void {
    const { kind, id, time } = event
    switch (kind) {
      case 'starting':
        this.#soon(id, time)
        break
      case 'created':
        remember(this.#starting, id, time)
        this.#ask(id, time, (runtime) => this.#remember(runtime, event))
        break
      case 'started':
        this.#begin(event)
        break
      case 'changed':
        if (!this.#runs.isRunning(id)) this.#soon(id, time)
        this.#ask(id, time, async (runtime) => {
          if (this.#runs.isRunning(id)) await this.#describe(runtime, id, time, false)
        })
        break
      default:
        this.#ask(id, time, async () => {
          this.#tell(this.#runs.stopped(id, time))
          if (kind !== 'removed') return
          this.#created.delete(id)
          this.#starting.delete(id)
          this.#letGo(id)
        })
    }
  }

  /** It is about to start: the watermark waits for that, too. */
  #soon(id: string, time: number): void {
    remember(this.#starting, id, time)
    this.#letGo(id)
    remember(this.#startHolds, id, this.#holds.hold(time))
  }

  #letGo(id: string): void {
    this.#startHolds.get(id)?.()
    this.#startHolds.delete(id)
  }

  /** The runtime says that it has started when its first process may have done all it had to do. */
  #begin(event: ContainerEvent): void {
    const { id, time } = event
    const starting = this.#starting.get(id) ?? time
    this.#starting.delete(id)
    const begun = time - starting < startingMs * 1000 ? Math.min(starting, time) : time
    this.#ask(id, begun, (runtime) => this.#started(runtime, event, begun))
    this.#letGo(id)
  }

  /** One question about a container after the other; the watermark waits for the answer. */
  #ask(id: string, time: number, question: (runtime: ContainerRuntime) => Promise<void>): Promise<void> {
    const runtime = this.#runtime
    if (runtime === null) return Promise.resolve()
    const letGo = this.#holds.hold(time)
    const answered = (this.#asked.get(id) ?? Promise.resolve())
      .then(() => question(runtime))
      .catch((error) => this.#oddity(id, error))
      .finally(() => {
        letGo()
        if (this.#asked.get(id) === answered) this.#asked.delete(id)
      })
    this.#asked.set(id, answered)
    return answered
  }

  async #describe(runtime: ContainerRuntime, id: string, at: number, repeat: boolean): Promise<void> {
    const facts = await runtime.inspect(id)
    if (facts === null) this.#tell(this.#runs.stopped(id, at))
    else this.#tellFacts(runtime, facts, at, repeat)
  }

  async #remember(runtime: ContainerRuntime, { id, told }: ContainerEvent): Promise<void> {
    const facts = (await runtime.inspect(id)) ?? { ...unknownContainer(id), ...told }
    remember(this.#created, id, facts)
  }

  /** What is gone before it can be asked about is known as it was created, and as the event itself tells. */
  async #started(runtime: ContainerRuntime, { id, time, told }: ContainerEvent, begun: number): Promise<void> {
    const facts = await runtime.inspect(id)
    const created = this.#created.get(id)
    this.#created.delete(id)
    if (facts?.running === true) return this.#tellFacts(runtime, facts, begun, false)
    if (facts === null || this.#runs.isRunning(id) || (facts.finishedAt ?? 0) < (facts.startedAt ?? time)) {
      const known = { ...(facts ?? created ?? unknownContainer(id)), ...told, id }
      return this.#tellFacts(runtime, { ...known, running: true, startedAt: begun, finishedAt: null }, begun, false)
    }
    this.#tell(this.#runs.passed(runtime.kind, facts, begun))
  }

  #tellFacts(runtime: ContainerRuntime, facts: ContainerFacts, at: number, repeat: boolean): void {
    const process = containerProcess(facts.id, facts.pid, facts.cgroup)
    // On the host's network every port it listens on is the host's; its runtime knows none of them.
    const looked = facts.hostNetwork && process.netns !== 0 ? listeningPorts(facts.pid) : null
    const ports = looked ?? (facts.hostNetwork ? this.#runs.run(facts.id)?.ports : null) ?? facts.ports
    this.#tell(this.#runs.described(runtime.kind, { ...facts, ports }, process, at, repeat))
  }

  /** No runtime tells when a program begins to listen: soon after its start, most often. */
  #lookForPorts(now: number): void {
    for (const id of this.#runs.running) {
      const run = this.#runs.run(id)
      if (run?.hostNetwork !== true || run.netns === 0) continue
      const isStarting = now - run.from / 1000 < soonListeningMs
      if (!isStarting && now - (this.#portsSeen.get(id) ?? 0) < listeningMs) continue
      remember(this.#portsSeen, id, now)
      const ports = listeningPorts(run.pid)
      if (ports === null || JSON.stringify(ports) === JSON.stringify(run.ports)) continue
      void this.#ask(id, now * 1000, (runtime) => this.#describe(runtime, id, now * 1000, false))
    }
  }

  #tell(changes: readonly RunChange[]): void {
    for (const { run, at } of changes) {
      const news = (time: Instant): ContainerNews => ({
        kind: 'Container',
        value: { ...run, ...time } satisfies Container,
      })
      // Those that ran before watching began are told as of then.
      this.#news.add(Math.max(at, this.#since), news)
    }
  }

  /** Tells of the host itself when that has changed. */
  #tellHost(at: number): void {
    const state = { runtime: this.#runtime?.kind ?? '', complete: this.#complete, ...hostNetwork() }
    this.#hostSeen = Date.now()
    const text = JSON.stringify(state)
    if (text === this.#hostTold) return
    this.#hostTold = text
    const value = { ...this.#identity, ...state }
    this.#news.add(at, (time) => ({ kind: 'ContainerHost', value: { ...value, ...time } }))
  }

  #oddity(id: string, error: unknown): void {
    // A connection that was lost is told once, by itself.
    if (this.#stopping || this.#runtime === null) return
    const code = error instanceof ContainerRuntimeError ? error.code : undefined
    this.#logger.warn({ container: id, code, err: error }, 'a container cannot be described')
  }

  async #pause(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** The oldest are forgotten beyond a number. */
function remember<T>(known: Map<string, T>, id: string, value: T): void {
  known.delete(id)
  if (known.size >= mostRemembered) known.delete(known.keys().next().value as string)
  known.set(id, value)
}

/** Runs at most so many at a time. */
async function forEach<T>(items: readonly T[], limit: number, run: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  await Promise.all(
    Array.from({ length: Math.min(limit, items.length) }, async () => {
      for (const item of left) await run(item)
    }),
  )
}

async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}
