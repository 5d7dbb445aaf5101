import { CatchUp, type ReplayProgress } from './catch-up.js'
import { finishSwap, swapProjection } from './projection-replay.js'
import { ProjectionStage, type ProjectionTask, projectionGroup } from './projection-stage.js'
import { type ProjectionReplay, readProjectionReplay } from './replay-record.js'
import type { StageContext } from './stage-context.js'
import type { StageLoop } from './stage-loop.js'

/** A projection being built beside its old output. */
interface Rebuild {
  task: ProjectionTask
  level: number
  replay: ProjectionReplay
  /** The part that builds. */
  building: string
}

interface Waiting {
  /** Parts that must catch up. */
  parts: Set<string>
  /** Builds that have to be swapped in. */
  targets: Set<string>
  progress: ((progress: ReplayProgress) => void) | undefined
  resolve: () => void
  reject: (error: Error) => void
}

/** Runs the projections of a loop, among them those whose output is built anew, and swaps those in when they are complete. */
export class Rebuilds {
  readonly #context: StageContext
  readonly #loop: StageLoop
  readonly #running = new Map<string, Rebuild>()
  /** Projections that write to their own target: nobody waits for these. */
  readonly #live = new Set<string>()
  readonly #waiting: Waiting[] = []
  readonly #catchUp: CatchUp
  #lastCheck = 0

  /** `levels`: how many stages a record passes at most, one after the other. */
  constructor(context: StageContext, loop: StageLoop, levels: number) {
    this.#context = context
    this.#loop = loop
    this.#catchUp = new CatchUp(context.log, { laps: levels })
    loop.afterPass = () => this.#afterPass()
  }

  /** Adds a projection to the loop; a replay of it that was interrupted goes on. */
  async addProjection(task: ProjectionTask, level: number): Promise<void> {
    const { log } = this.#context
    const part = projectionGroup(task.projection.name, task.target)
    await finishSwap(log, task)
    const replay = await readProjectionReplay(log, part)
    if (replay === null || replay.live) await this.#addStage(task, level)
    if (replay === null) return
    const building = { ...task, target: replay.into }
    const rebuild = { task, level, replay, building: projectionGroup(task.projection.name, replay.into) }
    await this.#loop.add(rebuild.building, level, () => ProjectionStage.open(this.#context, building, replay.from))
    this.#running.set(part, rebuild)
    this.#catchUp.begin()
  }

  /** Takes the parts of these names out of the loop, and the builds of these. */
  async remove(parts: ReadonlySet<string>): Promise<void> {
    const building = new Set([...parts].map((part) => this.#running.get(part)?.building))
    await this.#loop.remove(({ part }) => parts.has(part) || building.has(part))
    for (const part of parts) this.#running.delete(part)
  }

  /** Resolves when the projections of these parts have caught up and are in place; `processors` run again as well. */
  caughtUp(
    targets: readonly string[],
    processors: readonly string[],
    progress: ((progress: ReplayProgress) => void) | undefined,
  ): Promise<void> {
    const building = targets.map((part) => this.#running.get(part)?.building ?? part)
    this.#catchUp.begin()
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        parts: new Set([...processors, ...building]),
        targets: new Set(targets),
        progress,
        resolve,
        reject,
      })
    })
  }

  /** Nobody runs the replays any longer. */
  interrupt(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  async #afterPass(): Promise<number> {
    if (this.#running.size === 0 && this.#waiting.length === 0) return Number.POSITIVE_INFINITY
    // What the inputs held at the last look must have been taken at this one.
    const checkMs = this.#context.policy.replayCheckMs
    const now = performance.now()
    if (now - this.#lastCheck < checkMs) return checkMs
    this.#lastCheck = now
    const complete = await this.#check()
    for (const waiting of this.#waiting) this.#report(waiting)
    if (!complete) return checkMs
    for (const rebuild of [...this.#running.values()]) await this.#swap(rebuild)
    for (const waiting of this.#waiting.splice(0)) waiting.resolve()
    return checkMs
  }

  /** Whether the processors and builds have caught up. */
  #check(): Promise<boolean> {
    const building = new Set([...this.#running.values()].map((rebuild) => rebuild.building))
    const lives = new Set([...this.#running.keys()])
    const states = this.#loop.states()
    return this.#catchUp.look(
      states.filter(({ part }) => building.has(part) || !(part.includes('@') || lives.has(part))),
    )
  }

  #report({ parts, progress }: Waiting): void {
    progress?.(this.#catchUp.progress(this.#loop.states().filter(({ part }) => parts.has(part))))
  }

  async #swap({ task, level, replay }: Rebuild): Promise<void> {
    const part = projectionGroup(task.projection.name, task.target)
    await this.remove(new Set([part]))
    await swapProjection(this.#context.log, task, replay)
    await this.#addStage(task, level)
    this.#context.logger.info({ part }, 'the output built anew has taken the place of the old one')
  }

  #addStage(task: ProjectionTask, level: number): Promise<void> {
    const part = projectionGroup(task.projection.name, task.target)
    this.#live.add(part)
    return this.#loop.add(part, level, () => ProjectionStage.open(this.#context, task))
  }
}
