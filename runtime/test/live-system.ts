import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '@syscribe/log'
import pino from 'pino'
import {
  type AnyProcessor,
  type AnyProjectionTask,
  currentLog,
  type GenerationReplayOptions,
  type LiveOptions,
  type ProjectionReplayOptions,
  type Running,
  replayGeneration,
  requestProjectionReplay,
  runLive,
} from '../src/index.js'
import { RawSource } from './raw-source.js'
import { atEnd, linesOf, testFolder } from './test-log.js'
import { joiner, joiner2, liner } from './test-parts.js'
import { undisturbed } from './undisturbed.js'

// Live processes that share a memory log, for tests of replays while they run.

export const logger = pino({ level: 'silent' })
export const settings = { rawPayload: true }
const policy = { aheadBytes: 2000, roundRecords: 20, commitMs: 5, replayCheckMs: 20 }
const live = { logger, policy, partitions: 'all' as const }
const waits = { graceMs: 50, silentMs: 2_000 }

/** A process with one part, as far as a test in one process can have it. */
export async function start(log: Log, parts: Partial<LiveOptions>): Promise<Running> {
  const running = await runLive({ ...live, log, processors: [], projections: [], ...parts })
  atEnd(() => running.close().catch(() => {}))
  return running
}
export const processor = (log: Log, one: AnyProcessor) => start(log, { processors: [one] })
export const projection = (log: Log, target: string) =>
  start(log, { projections: [{ projection: liner(), target, settings } as AnyProjectionTask] })

export const replay2 = (log: Log, more: Partial<GenerationReplayOptions> = {}) =>
  replayGeneration({ ...live, ...waits, log, processors: [joiner2()], name: 'joiner', ...more })

/** What an undisturbed run makes of the same raw records. */
export const expected = (log: Log, one: AnyProcessor) => undisturbed(log, one, policy)

export async function topicsOf(log: Log): Promise<string[]> {
  return (await log.describeTopics())
    .map(({ topic }) => topic)
    .filter((topic) => /names|joiner|liner/.test(topic))
    .sort()
}

export const ask = (log: Log, more: Partial<ProjectionReplayOptions> = {}) =>
  requestProjectionReplay({ log, logger, projection: 'liner', silentMs: 2_000, ...more })

/** Live processes of the joiner and the liner, with everything taken. */
export async function system(log: Log, records = 100) {
  const source = new RawSource(log)
  const target = join(testFolder(), 'lines')
  await source.append(records)
  const joining = await processor(log, joiner() as AnyProcessor)
  const lining = await projection(log, target)
  await joining.drain()
  await lining.drain()
  return { source, target, joining, lining }
}

/** Nobody runs the processor any longer: all of it is taken in by a process of the new version, and by the projection. */
export async function outputs(log: Log, target: string, lining: Running | null) {
  const joining = await processor(log, joiner2())
  await joining.drain()
  const lines = lining ?? (await projection(log, target))
  await lines.drain()
  await joining.close()
  await lines.close()
  return { file: readFileSync(target, 'utf8'), names: await linesOf(await currentLog(log, logger), 'names') }
}
