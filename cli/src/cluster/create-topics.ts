import { type Log, LogError } from '@syscribe/log'
import { type Config, currentLog, prepareTopics, topicSettings } from '@syscribe/runtime'
import { stderrLogger } from '../run/logger.js'

/**
 * Creates the topics of the catalogue that do not exist, in the generations that count. Every part does so at its start;
 * those that exist must be as the settings say.
 * @throws LogError `topic_mismatch` naming topic and setting
 */
export async function createTopics(log: Log, config: Config): Promise<void> {
  try {
    await (await current(log, config)).createTopics(clusterTopics(config))
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'topic_mismatch') throw error
    const remedy =
      'give every part the same settings; syscribe topics create gives existing topics the retention set here'
    throw new LogError('topic_mismatch', `${error.message}: ${remedy}`, { cause: error })
  }
}

/**
 * The same, and gives those that exist the retention that is set.
 * @throws LogError `topic_mismatch`
 */
export async function updateTopics(log: Log, config: Config): Promise<void> {
  await prepareTopics(await current(log, config), clusterTopics(config))
}

function current(log: Log, { logLevel }: Config): Promise<Log> {
  return currentLog(log, stderrLogger(logLevel, 'topics'))
}

function clusterTopics({ retentionBytes, retentionMs, kafkaPartitions }: Config) {
  return topicSettings({ retentionBytes, retentionMs, partitions: kafkaPartitions })
}
