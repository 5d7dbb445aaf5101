import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Log, openEmbeddedLog } from '@syscribe/log'
import { type Config, type DeriveProgress, deriveAll } from '@syscribe/runtime'
import { openLogToRead } from '../open-log.js'
import { progressLogger } from '../run/logger.js'
import { allProjectionTasks } from '../run/own-projections.js'
import { type ProjectionConfig, processors } from '../run/parts.js'

/** What is derived from more than this is kept in a file meanwhile, not in memory. Bytes of raw records. */
const inMemoryBytes = 128 * 1024 ** 2

/**
 * Derives the outputs from the raw topics of a data directory.
 * @returns how far it came: all of it.
 * @throws LogError, ProjectionError; the signal's reason when it is aborted
 */
export async function deriveOutputs(
  config: ProjectionConfig & Pick<Config, 'dataDir' | 'logLevel' | 'ownProjections'>,
  progress: (progress: DeriveProgress) => void,
  signal: AbortSignal,
): Promise<DeriveProgress> {
  const projections = await allProjectionTasks(config)
  const rawLog = await openLogToRead(config.dataDir)
  let last: DeriveProgress = { records: 0, of: 0 }
  try {
    await withDerivedLog(await isLarge(rawLog), (derivedLog) =>
      deriveAll({
        rawLog,
        processors,
        projections,
        logger: progressLogger(config.logLevel, 'derivation'),
        progress: (now) => {
          last = now
          progress(now)
        },
        signal,
        ...(derivedLog === undefined ? {} : { derivedLog }),
      }),
    )
    return last
  } finally {
    await rawLog.close()
  }
}

async function isLarge(log: Log): Promise<boolean> {
  const topics = await log.describeTopics()
  return topics.flatMap(({ offsets }) => offsets).reduce((sum, { bytes }) => sum + bytes, 0) > inMemoryBytes
}

async function withDerivedLog<T>(inFile: boolean, work: (derivedLog: Log | undefined) => Promise<T>): Promise<T> {
  if (!inFile) return work(undefined)
  const folder = await mkdtemp(join(tmpdir(), 'syscribe-derive-'))
  try {
    const log = await openEmbeddedLog({ path: folder })
    try {
      return await work(log)
    } finally {
      await log.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
