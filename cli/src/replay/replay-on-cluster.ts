import {
  type Config,
  currentLog,
  replayGeneration,
  replayInto,
  replayIntoTopic,
  requestProjectionReplay,
} from '@syscribe/runtime'
import { isModulePath, loadProjection } from '../new-projection/load-projection.js'
import { openClusterLog } from '../open-log.js'
import { progressLogger } from '../run/logger.js'
import { projectionOf } from '../run/own-projections.js'
import { processorNamed, processors } from '../run/parts.js'
import type { AskedReplay, ReplayReports } from './asked-replay.js'

/**
 * Does a replay on a cluster whose parts are processes of their own. A processor's is done here, a projection's by the
 * process that writes its output; the others are told by the control topic.
 * @throws CliError, LogError, RuntimeError
 */
export async function replayOnCluster(
  config: Config,
  { name, kind, into, target, anew, cancel, ...range }: AskedReplay,
  reports: ReplayReports,
): Promise<void> {
  const logger = progressLogger(config.logLevel, 'replay')
  const log = await openClusterLog(config)
  try {
    const run = { log, logger, ...reports }
    if (into === undefined) {
      if (kind === 'processor') await replayGeneration({ ...run, processors, name, anew, cancel })
      else {
        const { from } = range
        // The process that writes it has it: here only its name is needed.
        const projection = isModulePath(name) ? (await loadProjection(name)).name : name
        const asked = { projection, ...(target && { target }), ...(from && { from }) }
        await requestProjectionReplay({ ...run, ...asked })
      }
      return
    }
    const projection = kind === 'projection' ? await projectionOf(name, config) : null
    const current = { ...run, log: await currentLog(log, logger), ...range }
    if (projection === null) await replayIntoTopic({ ...current, processor: processorNamed(name), into })
    else await replayInto({ ...current, projection, target: into, settings: { rawPayload: config.rawPayload } })
  } finally {
    await log.close()
  }
}
