import { rm } from 'node:fs/promises'
import type { Log } from '@syscribe/log'
import type { ProcessorGeneration, ProjectionBuild } from '@syscribe/schemas'
import { CatchUp } from './catch-up.js'
import { faultText } from './dead-letters.js'
import { sameGenerations } from './generations.js'
import { beginProjectionReplay } from './projection-replay.js'
import { ProjectionStage, type ProjectionTask, projectionGroup } from './projection-stage.js'
import { forgetReplay, type ProjectionReplay } from './replay-record.js'
import type { StageContext } from './stage-context.js'
import { StageLoop, type StageState } from './stage-loop.js'
import { stateTopicName } from './state-topic.js'
import type { WantedBuild } from './wanted-build.js'

/** Looks that a build may stand still before it counts as caught up: the broker may be slow for a moment. */
const standingLooks = 6

/** A projection's output being built beside the one in use, from generations of its own. */
export class LiveBuild {
  readonly replay: ProjectionReplay
  readonly generations: readonly ProcessorGeneration[]
  readonly context: StageContext
  readonly loop: StageLoop
  readonly #catchUp: CatchUp
  #round: string | null = null
  #caughtUp: string | null = null
  #complete = false
  #lookedAt = Number.NEGATIVE_INFINITY

  private constructor(context: StageContext, replay: ProjectionReplay) {
    this.replay = replay
    this.generations = replay.generations ?? []
    this.context = context
    this.loop = new StageLoop(context)
    this.#catchUp = new CatchUp(context.log, { standing: standingLooks })
  }

  /**
   * Begins to build, or goes on with what `before` tells of when it is the same.
   * @param contextOn makes what its stage runs with, in these generations.
   * @throws LogError, ProjectionError `target_unwritable`
   */
  static async open(
    contextOn: (generations: readonly ProcessorGeneration[]) => StageContext,
    task: ProjectionTask,
    wanted: WantedBuild,
    before: ProjectionReplay | null,
  ): Promise<LiveBuild> {
    const context = contextOn(wanted.generations)
    const replay =
      before !== null && answers(before, wanted)
        ? before
        : await beginProjectionReplay(context.log, task, {
            from: wanted.from,
            live: true,
            generations: wanted.generations,
            ...(wanted.request === null ? {} : { request: wanted.request }),
          })
    const build = new LiveBuild(context, replay)
    const building = { ...task, target: replay.into }
    const part = projectionGroup(task.projection.name, replay.into)
    await build.loop.add(part, 0, () => ProjectionStage.open(context, building, replay.from))
    build.loop.start()
    return build
  }

  answers(wanted: WantedBuild): boolean {
    return answers(this.replay, wanted)
  }

  /** It has caught up once, so that it can be swapped in. */
  get complete(): boolean {
    return this.#complete
  }

  get states(): readonly StageState[] {
    return this.loop.states()
  }

  /**
   * Looks how far it is.
   * @param round null while what it reads is itself being derived: then it cannot have caught up.
   */
  async look(round: string | null): Promise<void> {
    const now = performance.now()
    if (round !== this.#round) {
      this.#round = round
      this.#catchUp.begin()
    } else if (now - this.#lookedAt < this.context.policy.replayCheckMs * 0.9) return
    this.#lookedAt = now
    if (!(await this.#catchUp.look(this.states)) || round === null) return
    this.#complete = true
    this.#caughtUp = round
  }

  /** For the control topic. */
  report(): ProjectionBuild {
    return {
      generations: [...this.generations],
      request: this.replay.request ?? null,
      ...this.#catchUp.progress(this.states),
      caughtUp: this.#caughtUp,
    }
  }

  get fault(): string | null {
    const fault = this.states.find((state) => state.fault !== null)?.fault
    return fault === undefined ? null : faultText(fault)
  }
}

/** Removes what a build that is no longer wanted has left. */
export async function dropBuild(log: Log, { projection, target }: ProjectionTask, into: string): Promise<void> {
  await log.deleteGroup(projectionGroup(projection.name, into))
  await log.deleteTopic(stateTopicName(projection.name, into))
  await rm(into, { force: true })
  await forgetReplay(log, projectionGroup(projection.name, target))
}

function answers({ generations, request }: ProjectionReplay, wanted: WantedBuild): boolean {
  return sameGenerations(generations ?? [], wanted.generations) && (request ?? null) === wanted.request
}
