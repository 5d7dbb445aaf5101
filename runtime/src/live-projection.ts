import { hostname } from 'node:os'
import { LogError } from '@syscribe/log'
import type { ProcessorGeneration, ProjectionStanding } from '@syscribe/schemas'
import type { ControlTopic } from './control-topic.js'
import { faultText } from './dead-letters.js'
import { generationsRead, namesOf, sameGenerations } from './generations.js'
import { Metrics } from './metrics.js'
import { PartStatuses } from './part-status.js'
import { dropBuild, LiveBuild } from './projection-build.js'
import { swapProjection } from './projection-replay.js'
import { ProjectionStage, type ProjectionTask, projectionGroup } from './projection-stage.js'
import { RenamedLog } from './renamed-log.js'
import { type ProjectionReplay, readProjectionReplay } from './replay-record.js'
import type { ProjectionRunOptions } from './run-projection.js'
import { contextOf, type Running } from './running.js'
import { RuntimeError } from './runtime-error.js'
import type { StageContext } from './stage-context.js'
import { fatalCodes, StageLoop } from './stage-loop.js'
import { type ProjectionGoal, projectionGoal, type WantedBuild } from './wanted-build.js'

const idleMs = 60_000
/** Whoever waits for a replay hears of it this often. Milliseconds. */
const reportMs = 1_000
const firstRetryMs = 200
const lastRetryMs = 10_000

/**
 * Runs a projection in the generations that count. What the control topic asks for (a replay, or another generation of
 * what it reads) is built beside the output in use and swapped in whole.
 * @param group tells it from one of another group that writes the same target elsewhere
 * @throws LogError, ProjectionError `target_unwritable`
 */
export async function runLiveProjection<S>(
  options: ProjectionRunOptions<S>,
  control: ControlTopic,
  group?: string,
): Promise<Running> {
  const live = new LiveProjection(options as ProjectionRunOptions<unknown>, control, group)
  await live.start()
  return live
}

class LiveProjection implements Running {
  done: Promise<void> = Promise.resolve()
  readonly #options: ProjectionRunOptions<unknown>
  readonly #control: ControlTopic
  readonly #task: ProjectionTask
  readonly #part: string
  readonly #metrics: Metrics
  readonly #closing = new AbortController()
  readonly #statuses = new Map<StageLoop, PartStatuses>()
  #standing: ProjectionStanding
  #reported = ''
  #reportedAt = 0
  #live: StageLoop | null = null
  /** Of a build that an earlier process began. */
  #before: ProjectionReplay | null = null
  #build: LiveBuild | null = null
  /** Complete, and on its way into the place of the old one. */
  #swapping: ProjectionReplay | null = null
  #fault: { error: unknown } | null = null
  #closed: Promise<void> | undefined

  constructor(options: ProjectionRunOptions<unknown>, control: ControlTopic, group: string | undefined) {
    const { projection, target, settings, metrics } = options
    this.#part = projectionGroup(projection.name, target)
    const part = group === undefined ? this.#part : `${group}.${this.#part}`
    this.#options = options
    this.#control = control
    this.#task = { projection, target, settings }
    this.#metrics = metrics ?? new Metrics()
    const known = control.state.standings.get(part)
    this.#standing = {
      part,
      projection: projection.name,
      target,
      host: hostname(),
      pid: process.pid,
      topics: [...projection.topics],
      running: true,
      standsOn: known?.standsOn ?? generationsRead(control.state.generations.current, projection.topics),
      build: null,
      answered: known?.answered ?? null,
      fault: null,
    }
  }

  async start(): Promise<void> {
    const { log, signal } = this.#options
    this.#before = await readProjectionReplay(log, this.#part)
    if (this.#before?.phase === 'swap') await this.#swap(this.#before)
    try {
      await this.#runUsable(this.#goal())
      await this.#report()
    } catch (error) {
      await this.#stopAll().catch(() => {})
      throw error
    }
    const following = this.#follow()
    this.done = following.then(() => this.#closed)
    this.done.catch(() => {})
    const onAbort = () => {
      this.close().catch((error) => this.#options.logger.error({ err: error }, 'closing failed'))
    }
    signal?.addEventListener('abort', onAbort)
    this.close = () => {
      this.#closed ??= (async () => {
        signal?.removeEventListener('abort', onAbort)
        this.#closing.abort()
        await following.catch(() => {})
        await this.#stopAll()
        this.#standing = { ...this.#standing, running: false, build: this.#build?.report() ?? null }
        await this.#control.stand(this.#standing).catch(() => {})
      })()
      return this.#closed
    }
    if (signal?.aborted) onAbort()
  }

  close: () => Promise<void> = () => this.#stopAll()

  async drain(): Promise<void> {
    // Without an output in use, the one being built is waited for.
    while (this.#live === null && !this.#closing.signal.aborted) await this.#control.changed(50, this.#closing.signal)
    if (this.#live === null) throw new RuntimeError('closed', 'the part has ended')
    await this.#live.drain()
  }

  async status() {
    const loops = [this.#live, this.#build?.loop ?? null].filter((loop) => loop !== null)
    return (await Promise.all(loops.map((loop) => this.#statuses.get(loop)?.of(loop.states()) ?? []))).flat()
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#reconcile()
        await this.#report()
        failures = 0
      } catch (fault) {
        if (fault instanceof LogError && fatalCodes.has(fault.code)) throw fault
        failures++
        this.#options.logger.error({ part: this.#part, err: fault }, 'a replay cannot go on; it is tried again')
        await this.#report(faultText(fault)).catch(() => {})
      }
      let wait = this.#build?.context.policy.replayCheckMs ?? idleMs
      if (failures > 0) wait = Math.min(lastRetryMs, firstRetryMs * 2 ** (failures - 1))
      await this.#control.changed(wait, signal)
    }
    if (this.#fault !== null) throw this.#fault.error
  }

  /** A fault that ends one of the loops in use ends it all. */
  #watch(loop: StageLoop): void {
    loop.done.catch((error: unknown) => {
      if (loop !== this.#live && loop !== this.#build?.loop) return
      this.#fault = { error }
      this.#closing.abort()
    })
  }

  #goal(): ProjectionGoal {
    return projectionGoal(this.#control.state, this.#standing, this.#standing)
  }

  /** Makes what runs here what ought to. */
  async #reconcile(): Promise<void> {
    if (this.#swapping !== null) await this.#swap(this.#swapping)
    const goal = this.#goal()
    await this.#runUsable(goal)
    if (goal.build === null || this.#build?.answers(goal.build) === false) await this.#stopBuild()
    if (goal.build === null) {
      if (this.#before !== null) await dropBuild(this.#options.log, this.#task, this.#before.into)
      this.#before = null
      return
    }
    if (this.#build === null) {
      this.#build = await this.#openBuild(goal.build)
      this.#watch(this.#build.loop)
    }
    const isCurrent = sameGenerations(this.#build.generations, goal.current)
    await this.#build.look(isCurrent ? 'current' : this.#control.state.generations.round)
    if (!isCurrent || !this.#build.complete) return
    await this.#swap(this.#build.replay)
    await this.#runUsable(this.#goal())
  }

  /** The output in use goes on as long as its generations count: nobody writes into others. */
  async #runUsable({ current }: ProjectionGoal): Promise<void> {
    if (!sameGenerations(this.#standing.standsOn, current)) await this.#stopLive()
    else if (this.#live === null) await this.#startLive()
  }

  async #openBuild(wanted: WantedBuild): Promise<LiveBuild> {
    const contextOn = (generations: readonly ProcessorGeneration[]) => this.#contextOn(generations)
    const build = await LiveBuild.open(contextOn, this.#task, wanted, this.#before)
    this.#before = null
    this.#statuses.set(build.loop, new PartStatuses(build.context.log, this.#metrics))
    return build
  }

  /** Can be done again when a fault has interrupted it. */
  async #swap(replay: ProjectionReplay): Promise<void> {
    this.#swapping = replay
    await this.#stopLive()
    await this.#stopBuild()
    const { log } = this.#contextOn(replay.generations ?? [])
    await swapProjection(log, this.#task, replay, () => this.#swapped(replay))
    this.#swapping = null
    this.#before = null
    this.#options.logger.info({ part: this.#part }, 'the output built anew has taken the place of the old one')
  }

  async #swapped({ generations = [], request }: ProjectionReplay): Promise<void> {
    this.#standing = {
      ...this.#standing,
      standsOn: [...generations],
      answered: request ?? this.#standing.answered,
      build: null,
      fault: null,
    }
    await this.#control.stand(this.#standing)
  }

  async #startLive(): Promise<void> {
    const context = this.#contextOn(this.#standing.standsOn)
    const loop = new StageLoop(context)
    await loop.add(this.#part, 0, () => ProjectionStage.open(context, this.#task))
    loop.start()
    this.#live = loop
    this.#watch(loop)
    this.#statuses.set(loop, new PartStatuses(context.log, this.#metrics))
  }

  async #stopLive(): Promise<void> {
    const loop = this.#live
    this.#live = null
    if (loop === null) return
    this.#statuses.delete(loop)
    await loop.stop()
  }

  async #stopBuild(): Promise<void> {
    const build = this.#build
    this.#build = null
    if (build === null) return
    this.#before = build.replay
    this.#statuses.delete(build.loop)
    await build.loop.stop()
  }

  async #stopAll(): Promise<void> {
    try {
      await this.#stopLive()
    } finally {
      await this.#stopBuild()
    }
  }

  async #report(fault: string | null = this.#build?.fault ?? null): Promise<void> {
    this.#standing = { ...this.#standing, build: this.#build?.report() ?? null, fault }
    // Progress alone is told now and then.
    const text = JSON.stringify(this.#standing, (key, value) => (key === 'records' || key === 'of' ? 0 : value))
    const now = performance.now()
    if (text === this.#reported && (this.#build === null || now - this.#reportedAt < reportMs)) return
    await this.#control.stand(this.#standing)
    this.#reported = text
    this.#reportedAt = now
  }

  #contextOn(generations: readonly ProcessorGeneration[]): StageContext {
    const log = new RenamedLog(this.#options.log, namesOf(generations))
    return contextOf({ ...this.#options, log, metrics: this.#metrics })
  }
}
