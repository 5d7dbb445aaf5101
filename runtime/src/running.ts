import type { Log } from '@syscribe/log'
import type { Logger } from 'pino'
import { Metrics } from './metrics.js'
import { type PartStatus, PartStatuses } from './part-status.js'
import { ReadableSchemas } from './readable-schema.js'
import type { SpareTime } from './spare-time.js'
import { brokerPolicy, defaultPolicy, type StagePolicy } from './stage.js'
import type { StageContext } from './stage-context.js'
import type { StageLoop } from './stage-loop.js'

/** What every way of running parts takes. */
export interface RunOptions {
  /** With its topics created (topicSettings); topics for state are created by the runtime. */
  log: Log
  logger: Logger
  metrics?: Metrics
  /** Aborting it is `close`. */
  signal?: AbortSignal
  policy?: StagePolicy
  /** Given, the parts stand back while others want the processor; not while they drain. */
  spareTime?: SpareTime
}

/** Parts that run. */
export interface Running {
  /** Resolves after `close`; rejects when a fault of the log ended the run, such as LogError `fenced`. */
  readonly done: Promise<void>
  /**
   * Resolves when all that is in the log has been taken and committed, as far as watermarks release it. Only of use when
   * nobody appends any more.
   * @throws RuntimeError `not_drained` when a part fails again and again.
   */
  drain(): Promise<void>
  /** Commits and lets go of everything, without waiting for what is left in the log. */
  close(): Promise<void>
  status(): Promise<PartStatus[]>
}

export function contextOf({ log, logger, metrics, policy }: RunOptions): StageContext {
  return {
    log,
    logger,
    metrics: metrics ?? new Metrics(),
    schemas: new ReadableSchemas(log),
    policy: { ...defaultPolicy, ...(log.engine === 'kafka' ? brokerPolicy : {}), ...policy },
  }
}

/** As `runningOf`, for a loop that is to be started. */
export function runLoop(
  context: StageContext,
  loop: StageLoop,
  signal: AbortSignal | undefined,
  release?: () => Promise<void>,
): Running {
  loop.start()
  return runningOf(context, loop, signal, release)
}

/** What runs, for its owner to hold. `release` is called once, before the stages close. */
export function runningOf(
  context: StageContext,
  loop: Pick<StageLoop, 'done' | 'drain' | 'stop' | 'states'>,
  signal: AbortSignal | undefined,
  release: () => Promise<void> = async () => {},
): Running {
  const statuses = new PartStatuses(context.log, context.metrics)
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= (async () => {
      signal?.removeEventListener('abort', onAbort)
      try {
        await release()
      } finally {
        await loop.stop()
      }
    })()
    return closed
  }
  const onAbort = () => {
    close().catch((error) => context.logger.error({ err: error }, 'closing failed'))
  }
  const done = loop.done.then(() => closed)
  done.catch(() => {})
  signal?.addEventListener('abort', onAbort)
  if (signal?.aborted) onAbort()
  return { done, drain: () => loop.drain(), close, status: () => statuses.of(loop.states()) }
}
