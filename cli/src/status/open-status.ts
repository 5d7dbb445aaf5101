import { type Config, currentLog } from '@syscribe/runtime'
import { openLog } from '../open-log.js'
import { stderrLogger } from '../run/logger.js'
import { clusterParts, localParts } from './known-parts.js'
import { StatusReader } from './status-reader.js'
import type { SystemStatus } from './system-status.js'

export interface OpenStatus {
  read(): Promise<SystemStatus>
  close(): Promise<void>
}

/**
 * Opens the log that the configuration names, to look at it again and again; on a cluster, at the generations that
 * count now.
 * @throws LogError `unavailable`
 */
export async function openStatus(config: Config): Promise<OpenStatus> {
  const log = await openLog(config)
  const isCluster = config.brokers !== null
  const logger = stderrLogger(config.logLevel, 'status')
  const hasControl = async () => (await log.describeTopics()).some(({ topic }) => topic === 'control')
  try {
    const view = isCluster && (await hasControl()) ? await currentLog(log, logger) : log
    const reader = new StatusReader({
      log: view,
      parts: isCluster ? clusterParts(log, config.group) : async () => localParts(config),
    })
    return {
      read: () => reader.read(),
      close: async () => {
        await reader.close()
        await log.close()
      },
    }
  } catch (error) {
    await log.close()
    throw error
  }
}
