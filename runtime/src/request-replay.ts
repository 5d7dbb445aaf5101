import { randomUUID } from 'node:crypto'
import type { Log } from '@syscribe/log'
import type { ProjectionStanding, ReplayRequest } from '@syscribe/schemas'
import type { Logger } from 'pino'
import type { ReplayProgress } from './catch-up.js'
import { ControlTopic } from './control-topic.js'
import { Heard } from './heard.js'
import type { ReplayStart } from './replay-start.js'
import { RuntimeError } from './runtime-error.js'

export interface ProjectionReplayOptions {
  /** The log on which the live processes run. */
  log: Log
  /** Name of the projection. */
  projection: string
  /** Which one, where it has several targets. */
  target?: string
  /** Default the oldest record. */
  from?: ReplayStart
  logger: Logger
  progress?: (progress: ReplayProgress) => void
  /** Takes sentences the operator should read. */
  notice?: (sentence: string) => void
  signal?: AbortSignal
  /** Within this the process that writes the output must begin. Milliseconds, default 15,000. */
  answerMs?: number
  /** A process that says nothing for so long is not waited for. Milliseconds, default 30,000. */
  silentMs?: number
}

/**
 * Has the process that writes a projection's output build it anew beside the old one and swap it in; resolves when that
 * is done. What is asked for stays asked for: ended by whatever, the next call waits for the same replay.
 * @throws LogError, RuntimeError `replay_unanswered`, `replay_invalid`; the signal's reason
 */
export async function requestProjectionReplay(options: ProjectionReplayOptions): Promise<void> {
  const { log, logger, signal, progress, answerMs = 15_000 } = options
  const control = await ControlTopic.open(log, logger)
  try {
    const { part, host, pid } = chosen([...control.state.standings.values()], options)
    const { id } = await ask(control, part, options.from ?? 'earliest')
    const heard = new Heard(control, options)
    const until = performance.now() + answerMs
    for (let begun = false; ; ) {
      signal?.throwIfAborted()
      const standing = control.state.standings.get(part) as ProjectionStanding
      const newest = control.state.requests.get(part)
      if (standing.answered === id) return
      if (begun && newest !== undefined && newest.id !== id) {
        throw new RuntimeError('replay_invalid', `another replay of ${part} has been asked for since`)
      }
      begun ||= standing.build?.request === id
      if (begun) progress?.({ records: standing.build?.records ?? 0, of: standing.build?.of ?? 0 })
      const left = until - performance.now()
      if (begun ? !heard.from(standing) : left <= 0) {
        const message = `${part} does not answer (host ${host}, process ${pid}): is it running? The replay is done when it is started again, with ${startWith(options.projection)}`
        throw new RuntimeError('replay_unanswered', message)
      }
      await control.changed(begun ? 1_000 : Math.min(left, 1_000), signal)
    }
  } finally {
    await control.close()
  }
}

/** The one that is meant. @throws RuntimeError */
function chosen(
  standings: readonly ProjectionStanding[],
  { projection, target }: ProjectionReplayOptions,
): ProjectionStanding {
  const found = standings.filter((one) => one.projection === projection && (target ?? one.target) === one.target)
  const running = found.filter((one) => one.running)
  if (running.length > 1) {
    const targets = running.map((one) => one.target).join(', ')
    throw new RuntimeError('replay_invalid', `${projection} writes several targets: say which of ${targets}`)
  }
  const [one] = running
  if (one === undefined) {
    const where = found.map((last) => `${last.target} on host ${last.host}`).join(', ')
    const last = found.length === 0 ? '' : ` (it last wrote ${where})`
    const wanted = target === undefined || found.length > 0 ? projection : `${projection} into ${target}`
    throw new RuntimeError(
      'replay_unanswered',
      `no process runs ${wanted}${last}: start it with ${startWith(projection)}, then replay`,
    )
  }
  return one
}

function startWith(projection: string): string {
  return `syscribe project ${projection}`
}

/** Asks, unless the same has been asked and is not done yet. */
async function ask(control: ControlTopic, part: string, from: ReplayStart): Promise<ReplayRequest> {
  const fromTime = typeof from === 'object' && 'time' in from ? from.time : null
  const fromOffset = typeof from === 'object' && 'offset' in from ? from.offset : null
  const open = control.state.requests.get(part)
  const answered = control.state.standings.get(part)?.answered
  const same = open?.fromTime === fromTime && open.fromOffset === fromOffset
  if (open !== undefined && open.id !== answered && same) return open
  const request = { id: randomUUID(), part, fromTime, fromOffset }
  await control.request(request)
  return request
}
