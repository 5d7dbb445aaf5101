import { type KafkaLogOptions, type Log, openEmbeddedLog, openKafkaLog } from '@syscribe/log'
import type { Config } from '@syscribe/runtime'
import { groupedLog } from './cluster/grouped-log.js'
import { kafkaConnection } from './cluster/kafka-connection.js'

/**
 * Opens the log of a data directory without writing to it: beside a running `syscribe run`, or after it.
 * @throws LogError `unavailable` when there is none.
 */
export function openLogToRead(path: string): Promise<Log> {
  return openEmbeddedLog({ path, readOnly: true })
}

/**
 * Opens the log that the configuration names: a cluster's when brokers are set, else that of the data directory, which
 * is only read.
 * @throws CliError `usage`, LogError `unavailable`
 */
export function openLog(config: Config): Promise<Log> {
  return config.brokers === null ? openLogToRead(config.dataDir) : openClusterLog(config)
}

/** @throws CliError `usage`, LogError `unavailable` when no broker answers */
export async function openClusterLog(config: Config, more: Partial<KafkaLogOptions> = {}): Promise<Log> {
  const log = await openKafkaLog({ ...kafkaConnection(config), ...more })
  return config.group === null ? log : groupedLog(log, config.group)
}
