import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Log, LogError } from '@syscribe/log'
import type { Generations, ProcessorGeneration, ProjectionStanding } from '@syscribe/schemas'
import type { Logger } from 'pino'
import { CatchUp, type ReplayProgress } from './catch-up.js'
import { ControlTopic, type GenerationsWriter } from './control-topic.js'
import {
  generationName,
  generationOf,
  generationsOver,
  generationsRead,
  namesOf,
  nextGenerations,
  sameGenerations,
} from './generations.js'
import { Heard } from './heard.js'
import { type AnyProcessor, addProcessor, depthOf, levelsOf } from './processor-levels.js'
import { affectedBy, settingsOnly } from './processor-reset.js'
import { RenamedLog } from './renamed-log.js'
import { contextOf } from './running.js'
import { RuntimeError } from './runtime-error.js'
import { defaultPolicy, type StagePolicy } from './stage.js'
import { StageLoop } from './stage-loop.js'
import { stateTopicName } from './state-topic.js'

export interface GenerationReplayOptions {
  /** The log on which the live processes run. */
  log: Log
  /** Every processor there is, in the version that is to derive. */
  processors: readonly AnyProcessor[]
  /** The one to replay, with everything behind it. */
  name: string
  /** Begin anew also where an earlier replay of it was interrupted, which would else go on. */
  anew?: boolean
  /** Give up the replay of it that is under way: what has been derived beside is deleted. */
  cancel?: boolean
  logger: Logger
  policy?: StagePolicy
  progress?: (progress: ReplayProgress) => void
  /** Takes sentences the operator should read, such as which projection is not waited for. */
  notice?: (sentence: string) => void
  signal?: AbortSignal
  /** A process that says nothing for so long is not waited for. Milliseconds, default 30,000. */
  silentMs?: number
  /** Processors get so long to let go of the old generation before it is deleted. Milliseconds, default 3,000. */
  graceMs?: number
}

/** Looks that a processor may stand still before it counts as caught up: the broker may be slow for a moment. */
const standingLooks = 6
const deleteAttempts = 20
const deletePauseMs = 500

/**
 * Derives what a processor and everything behind it write once more, from the oldest records on, into topics of a new
 * generation; when these have caught up, and the projections behind them too, all live processes move over at once and
 * the old generation is deleted. Until then nothing of it is seen. Whatever ends it, the next call goes on with it.
 * @throws LogError (`fenced` when another call of it has begun), RuntimeError `replay_invalid`; the signal's reason
 */
export async function replayGeneration(options: GenerationReplayOptions): Promise<void> {
  const { log, logger, name } = options
  affectedBy(name, options.processors, [])
  const control = await ControlTopic.open(log, logger)
  try {
    const writer = await control.generationsWriter()
    try {
      const { replayed, building } = writer.generations
      if (replayed !== null && replayed !== name) {
        throw new RuntimeError('replay_invalid', `the replay of ${replayed} has not ended: run it again first`)
      }
      const moved = replayed === name && building.length === 0
      if (moved && options.cancel) {
        throw new RuntimeError(
          'replay_invalid',
          `the new generation of ${name} counts already: run the replay again to end it`,
        )
      }
      const watch = { control, writer, heard: new Heard(control, options), alone: aloneOn(control) }
      const derived = () => (options.cancel ? giveUp(options, writer) : deriveAndMove(options, watch))
      const now = moved ? writer.generations : await derived()
      await retire(options, watch, now)
    } finally {
      await writer.close()
    }
  } finally {
    await control.close()
  }
}

interface Watch {
  control: ControlTopic
  writer: GenerationsWriter
  heard: Heard
  /** @throws LogError `fenced` when the generations are no longer as this call has written them */
  alone(written: Generations): void
}

function aloneOn(control: ControlTopic): Watch['alone'] {
  let seen = ''
  return (written) => {
    const mine = JSON.stringify(written)
    const now = JSON.stringify(control.state.generations)
    // Own records come back after a while.
    if (now === mine) seen = mine
    else if (seen === mine) throw new LogError('fenced', 'another call goes on with this replay')
  }
}

async function giveUp({ name }: GenerationReplayOptions, writer: GenerationsWriter): Promise<Generations> {
  const { generations } = writer
  if (generations.replayed === null) throw new RuntimeError('replay_invalid', `no replay of ${name} is under way`)
  const retired = [...generations.retired, ...generations.building]
  const given = { ...generations, building: [], retired, round: null }
  await writer.write(given)
  return given
}

async function deriveAndMove(options: GenerationReplayOptions, watch: Watch): Promise<Generations> {
  const { log } = options
  const { writer } = watch
  const affected = affectedBy(options.name, options.processors, []).processors
  const begun = begin(writer.generations, options, affected)
  const next = generationsOver(begun.current, begun.building)
  await createTopicsLike(log, begun.current, next, begun.building)
  await writer.write(begun)
  await derive(options, watch, begun, affected)
  const old = begun.building.map(({ processor, topics }) => ({
    processor,
    generation: generationOf(begun.current, processor),
    topics,
  }))
  const moved = { ...begun, current: next, building: [], retired: [...begun.retired, ...old], round: null }
  await writer.write(moved)
  options.logger.info({ generations: begun.building }, 'these generations count from now on')
  return moved
}

/** The generations with a replay under way: the one that was interrupted, or a new one. */
function begin(
  before: Generations,
  { name, anew }: GenerationReplayOptions,
  affected: readonly AnyProcessor[],
): Generations {
  const same = before.building.map(({ processor }) => processor).sort()
  const goesOn = !anew && JSON.stringify(same) === JSON.stringify(affected.map((one) => one.name).sort())
  if (goesOn) return { ...before, replayed: name, round: null }
  const building = nextGenerations(before, affected)
  return { ...before, building, retired: [...before.retired, ...before.building], replayed: name, round: null }
}

/** The outputs' topics of a generation, with the settings that those in use have. */
async function createTopicsLike(
  log: Log,
  current: readonly ProcessorGeneration[],
  next: readonly ProcessorGeneration[],
  building: readonly ProcessorGeneration[],
): Promise<void> {
  const view = new RenamedLog(log, namesOf(next))
  const written = new Set(building.flatMap(({ topics }) => topics))
  const there = new Set((await view.describeTopics()).map(({ topic }) => topic))
  const like = (await new RenamedLog(log, namesOf(current)).describeTopics()).filter(({ topic }) => written.has(topic))
  await view.createTopics(like.filter(({ topic }) => !there.has(topic)).map(settingsOnly))
}

/** Runs the processors until they and the projections behind them have caught up. */
async function derive(
  options: GenerationReplayOptions,
  { control, writer, heard, alone }: Watch,
  begun: Generations,
  affected: readonly AnyProcessor[],
): Promise<void> {
  const { log, policy, signal, progress } = options
  const next = generationsOver(begun.current, begun.building)
  const context = contextOf({ ...options, log: new RenamedLog(log, namesOf(next)) })
  const loop = new StageLoop(context)
  try {
    for (const [processor, level] of levelsOf(affected)) await addProcessor(context, loop, processor, level)
    loop.start()
    const catchUp = new CatchUp(context.log, { standing: standingLooks, laps: depthOf(affected) })
    const checkMs = policy?.replayCheckMs ?? defaultPolicy.replayCheckMs
    let lookedAt = Number.NEGATIVE_INFINITY
    for (let round: string | null = null; ; ) {
      signal?.throwIfAborted()
      alone({ ...begun, round })
      if (performance.now() - lookedAt >= checkMs) {
        lookedAt = performance.now()
        const caughtUp = await unlessAway(options, () => catchUp.look(loop.states()))
        if (caughtUp && round === null) {
          round = randomUUID()
          await writer.write({ ...begun, round })
        }
      }
      const behind = projectionsOn(control, begun.current, next)
      const late = behind.filter((standing) => round === null || standing.build?.caughtUp !== round)
      const awaited = late.filter((standing) => heard.from(standing))
      progress?.(total(catchUp.progress(loop.states()), behind, next))
      if (round !== null && awaited.length === 0) break
      await Promise.race([control.changed(checkMs, signal), loop.done])
    }
  } finally {
    await loop.stop()
  }
}

/** What `work` gives; false while the brokers are away: the parts that run wait for them too. */
async function unlessAway({ notice }: GenerationReplayOptions, work: () => Promise<boolean>): Promise<boolean> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'unavailable') throw error
    notice?.(`${error.message}: the replay waits`)
    return false
  }
}

/** Projections whose input the replay changes. */
function projectionsOn(
  control: ControlTopic,
  current: readonly ProcessorGeneration[],
  next: readonly ProcessorGeneration[],
): ProjectionStanding[] {
  return [...control.state.standings.values()].filter(
    ({ topics }) => !sameGenerations(generationsRead(current, topics), generationsRead(next, topics)),
  )
}

/** What the processors have taken, and the projections that build from what they derive. */
function total(
  processors: ReplayProgress,
  projections: readonly ProjectionStanding[],
  next: readonly ProcessorGeneration[],
): ReplayProgress {
  const sum = { ...processors }
  for (const { build, topics } of projections) {
    if (build === null || !sameGenerations(build.generations, generationsRead(next, topics))) continue
    sum.records += build.records
    sum.of += build.of
  }
  return sum
}

/** Deletes what nobody reads any longer, once the live processes have moved over. */
async function retire(
  options: GenerationReplayOptions,
  { control, writer, heard, alone }: Watch,
  now: Generations,
): Promise<void> {
  const { log, signal, graceMs = 3_000 } = options
  const until = performance.now() + graceMs
  for (;;) {
    signal?.throwIfAborted()
    alone(now)
    const old = [...control.state.standings.values()].filter(
      (standing) =>
        !sameGenerations(standing.standsOn, generationsRead(now.current, standing.topics)) && heard.from(standing),
    )
    const left = until - performance.now()
    if (old.length === 0 && left <= 0) break
    await control.changed(Math.max(left, 100), signal)
  }
  for (const { processor, generation, topics } of now.retired) {
    const name = generationName(processor, generation)
    for (const topic of [...topics.map((one) => generationName(one, generation)), stateTopicName(name)]) {
      await whenBack(options, () => log.deleteTopic(topic))
    }
    await deleteGroup(options, name)
  }
  await writer.write({ ...now, retired: [], replayed: null, round: null })
}

/** A group cannot be deleted while a process is in it. */
async function deleteGroup(options: GenerationReplayOptions, group: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await whenBack(options, () => options.log.deleteGroup(group))
      return
    } catch (error) {
      if (!(error instanceof LogError) || error.code === 'closed') throw error
      if (attempt === deleteAttempts) {
        options.notice?.(`consumer group ${group} is no longer of use but cannot be deleted: ${error.message}`)
        return
      }
      await sleep(deletePauseMs, undefined, { signal: options.signal })
    }
  }
}

/** Does what can be done twice, when the brokers are there. */
async function whenBack(options: GenerationReplayOptions, work: () => Promise<void>): Promise<void> {
  while (!(await unlessAway(options, () => work().then(() => true)))) {
    await sleep(deletePauseMs, undefined, { signal: options.signal })
  }
}
