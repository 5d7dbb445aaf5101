import {
  type Config,
  currentLog,
  replayGeneration,
  replayInto,
  replayIntoTopic,
  requestProjectionReplay,
} from '@syscribe/runtime'
import { openClusterLog } from '../open-log.js'
import { stderrLogger } from '../run/logger.js'
import { processorNamed, processors, projectionOf } from '../run/parts.js'
import type { AskedReplay, ReplayReports } from './asked-replay.js'

/**
 * Does a replay on a cluster whose parts are processes of their own. A processor's is done here, a projection's by the
 * process that writes its output; the others are told by the control topic.
 * @throws CliError, LogError, RuntimeError
 */
export async function replayOnCluster(
  config: Config,
  { name, kind, into, target, anew, ...range }: AskedReplay,
  reports: ReplayReports,
): Promise<void> {
  const logger = stderrLogger(config.logLevel, 'replay')
  const log = await openClusterLog(config)
  try {
    const run = { log, logger, ...reports }
    if (into === undefined) {
      if (kind === 'processor') await replayGeneration({ ...run, processors, name, anew })
      else {
        const { name: projection } = await projectionOf(name)
        const { from } = range
        await requestProjectionReplay({ ...run, projection, ...(target && { target }), ...(from && { from }) })
      }
      return
    }
    const current = { ...run, log: await currentLog(log, logger), ...range }
    if (kind === 'processor') await replayIntoTopic({ ...current, processor: processorNamed(name), into })
    else {
      const projection = await projectionOf(name)
      await replayInto({ ...current, projection, target: into, settings: { rawPayload: config.rawPayload } })
    }
  } finally {
    await log.close()
  }
}
