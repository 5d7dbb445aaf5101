import type { Config } from '@syscribe/runtime'
import { openClusterLog } from '../open-log.js'
import { clusterParts } from '../status/known-parts.js'

/**
 * Names of the projections that processes of the cluster write or have written: those of the users' own need not be here.
 * @throws CliError, LogError
 */
export async function projectionsOnCluster(config: Config): Promise<readonly string[]> {
  const log = await openClusterLog(config)
  try {
    const parts = await clusterParts(log, config.group)()
    const names = parts.flatMap(({ part, kind }) => (kind === 'projection' ? [part.slice(0, part.indexOf('@'))] : []))
    return [...new Set(names)]
  } finally {
    await log.close()
  }
}
