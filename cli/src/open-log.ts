import { type KafkaLogOptions, type Log, LogError, openEmbeddedLog, openKafkaLog } from '@syscribe/log'
import { type Config, settings } from '@syscribe/runtime'
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
  const connection = kafkaConnection(config)
  const log = await openKafkaLog({ ...connection, ...more }).catch((cause: unknown) => {
    if (!(cause instanceof LogError) || cause.code !== 'unavailable') throw cause
    const name = `${settings.brokers.variable}=${connection.brokers.join(',')}`
    // Of the cause what it says itself: the brokers are named already.
    const { message } = cause.cause instanceof Error ? cause.cause : cause
    throw new LogError('unavailable', `the brokers cannot be reached (${name}): ${message}`, { cause })
  })
  return config.group === null ? log : groupedLog(log, config.group)
}
