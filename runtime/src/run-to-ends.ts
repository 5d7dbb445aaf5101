import type { Log } from '@syscribe/log'
import type { Logger } from 'pino'
import type { ReplayProgress } from './catch-up.js'
import { type ReplayEnd, type ReplayStart, startOffset } from './replay-start.js'
import type { Stage, StagePolicy, StagePosition } from './stage.js'
import { logEnds } from './stage-loop.js'

/** A stage that can be told where its inputs end. */
export interface EndingStage extends Stage {
  limitTo(ends: ReadonlyMap<string, number>): void
}

/** Offsets by `topic/partition`: what lies behind is not read. */
export type InputEnds = ReadonlyMap<string, number>

const progressMs = 500
const pauseMs = 20
/** A cluster that cannot be reached says so sooner: what is not there after this cannot be read. Milliseconds. */
const stillMs = 15_000

/**
 * Where inputs end for a run that comes to an end: at `to`, or where the log ends now.
 * @param byOffset whether an offset is meant for this topic too, and not only a time.
 */
export async function endsAt(
  log: Log,
  inputs: readonly StagePosition[],
  to: ReplayEnd | undefined,
  byOffset: (topic: string) => boolean = () => true,
): Promise<InputEnds> {
  const ends = await logEnds(log)
  for (const at of inputs) {
    if (to === undefined || !('time' in to || byOffset(at.topic))) continue
    const name = nameOf(at)
    const end = await startOffset(log, at, to)
    ends.set(name, Math.min(end, ends.get(name) ?? end))
  }
  return ends
}

/** Runs stages, each limited to these ends, until they have taken everything before. */
export async function runToEnds(
  log: Log,
  stages: readonly EndingStage[],
  ends: InputEnds,
  { logger, progress, signal }: RunToEndsOptions,
): Promise<void> {
  const begins = stages.map((stage) => new Map(stage.positions().map((at) => [nameOf(at), at.reached])))
  const places = () => stages.flatMap((stage, index) => stage.positions().map((at) => ({ at, begin: begins[index] })))
  const report = () => {
    let records = 0
    let of = 0
    for (const { at, begin } of places()) {
      const from = begin?.get(nameOf(at)) ?? 0
      records += at.reached - from
      of += Math.max(at.reached, ends.get(nameOf(at)) ?? at.reached) - from
    }
    progress?.({ records, of })
  }
  for (const stage of stages) stage.limitTo(ends)
  let reported = performance.now()
  for (let moved = reported; ; ) {
    signal?.throwIfAborted()
    let taken = 0
    for (const stage of stages) taken += await stage.round()
    const now = performance.now()
    if (taken === 0) {
      const short = places().filter(({ at }) => at.reached < (ends.get(nameOf(at)) ?? 0))
      // In a process of its own the log gives at once what it has; brokers take their time.
      if (short.length === 0 || log.engine !== 'kafka') break
      if (now - moved >= stillMs) {
        const left = short.map(({ at }) => `${nameOf(at)} from ${at.reached} to ${ends.get(nameOf(at))}`)
        logger.warn({ left }, 'these offsets give no records: compacted away, or not committed yet')
        break
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      continue
    }
    moved = now
    await new Promise((resolve) => setImmediate(resolve))
    if (now - reported < progressMs) continue
    reported = now
    report()
  }
  report()
}

export interface RunToEndsOptions {
  logger: Logger
  /** Told about twice a second, and at the end. */
  progress?: (progress: ReplayProgress) => void
  signal?: AbortSignal
}

/** What a replay that comes to an end takes, whatever it writes. */
export interface EndingReplayOptions extends RunToEndsOptions {
  /** Default the oldest record. A processor's tables are always read from theirs. */
  from?: ReplayStart
  /** Default what the log holds now. */
  to?: ReplayEnd
  policy?: StagePolicy
}

function nameOf(at: { topic: string; partition: number }): string {
  return `${at.topic}/${at.partition}`
}
