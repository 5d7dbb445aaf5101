import { openEmbeddedLog } from '@syscribe/log'
import {
  type AnyProjectionTask,
  type Config,
  createPipeline,
  type ReplayProgress,
  topicSettings,
} from '@syscribe/runtime'
import { CliError } from '../cli-error.js'
import { openLogToRead } from '../open-log.js'
import type { OutputConfig } from '../run/check-outputs.js'
import { progressLogger } from '../run/logger.js'
import { lockOutputs, type OutputLocks } from '../run/output-lock.js'
import { allProjectionTasks } from '../run/own-projections.js'
import { processors } from '../run/parts.js'
import type { ReplayOrder } from './control-protocol.js'

/**
 * Does a replay in this process, while no `syscribe run` writes the log.
 * @throws CliError `usage` when the projection has no file, `fault` when
 * another process writes its file, LogError `unavailable` when there is no log, `locked`, RuntimeError
 */
export async function replayHere(
  config: Config,
  order: ReplayOrder,
  progress: (progress: ReplayProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const tasks = await allProjectionTasks(config)
  const only = 'projection' in order ? tasks.filter(({ projection }) => projection.name === order.projection) : tasks
  if ('projection' in order && only.length === 0) {
    throw new CliError('usage', `${order.projection} has no file: set its variable or option (syscribe run --help)`)
  }
  const logger = progressLogger(config.logLevel, 'replay')
  // Opened to write, a log that is not there would be made; opened to read, it is an error.
  await (await openLogToRead(config.dataDir)).close()
  const log = await openEmbeddedLog({ path: config.dataDir, writes: 'derived' })
  let locks: OutputLocks | undefined
  try {
    locks = lockOutputs(written(config, only))
    // How long records are kept is for syscribe run to say: topics that are there stay as they are.
    const there = new Set((await log.describeTopics()).map(({ topic }) => topic))
    const settings = topicSettings({ retentionBytes: config.retentionBytes, retentionMs: config.retentionMs })
    await log.createTopics(settings.filter(({ topic }) => !there.has(topic)))
    // A projection reads what is derived; only behind a processor must the others run too.
    const running = 'projection' in order ? [] : processors
    const pipeline = await createPipeline({ log, logger, processors: running, projections: only, signal })
    try {
      await pipeline.replay({ ...order, progress })
    } finally {
      await pipeline.close()
    }
  } finally {
    locks?.release()
    await log.close()
  }
}

/** The outputs that the tasks write. */
function written(config: Config, tasks: readonly AnyProjectionTask[]): OutputConfig {
  const targets = new Set(tasks.map(({ target }) => target))
  const mine = (path: string | null) => (path !== null && targets.has(path) ? path : null)
  return {
    outputPath: mine(config.outputPath),
    envOutputPath: mine(config.envOutputPath),
    serviceMapPath: mine(config.serviceMapPath),
    ownProjections: (config.ownProjections ?? []).filter(({ target }) => targets.has(target)),
  }
}
