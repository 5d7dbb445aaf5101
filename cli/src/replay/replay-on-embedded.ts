import { openEmbeddedLog } from '@syscribe/log'
import { type Config, replayInto, replayIntoTopic } from '@syscribe/runtime'
import { openLogToRead } from '../open-log.js'
import { progressLogger } from '../run/logger.js'
import { projectionOf } from '../run/own-projections.js'
import { processorNamed } from '../run/parts.js'
import { askRunning } from './ask-running.js'
import type { AskedReplay, ReplayReports } from './asked-replay.js'
import type { ReplayOrder } from './control-protocol.js'
import { replayHere } from './replay-here.js'

/**
 * Does a replay on the log of a data directory: where `syscribe run` writes it, that does it; `into` is done here.
 * @throws CliError, LogError (`locked` for a topic while `syscribe run` writes the log), RuntimeError
 */
export async function replayOnEmbedded(
  config: Config,
  { name, kind, into, from, to }: AskedReplay,
  reports: ReplayReports,
): Promise<void> {
  const { dataDir, rawPayload } = config
  if (into === undefined) {
    const order: ReplayOrder = kind === 'processor' ? { processor: name } : { projection: name, ...(from && { from }) }
    if (await askRunning(config, order, reports.progress, reports.signal)) return
    await replayHere(config, order, reports.progress, reports.signal)
    return
  }
  const run = {
    logger: progressLogger(config.logLevel, 'replay'),
    ...reports,
    ...(from && { from }),
    ...(to && { to }),
  }
  const projection = kind === 'projection' ? await projectionOf(name, config) : null
  const log = await openLogToRead(dataDir)
  try {
    if (projection !== null) {
      await replayInto({ ...run, log, projection, target: into, settings: { rawPayload } })
      return
    }
  } finally {
    await log.close()
  }
  // Opened to write, a log that is not there would be made; opened to read, it was an error.
  const derived = await openEmbeddedLog({ path: dataDir, writes: 'derived' })
  try {
    await replayIntoTopic({ ...run, log: derived, processor: processorNamed(name), into })
  } finally {
    await derived.close()
  }
}
