import type { Check } from '@syscribe/collector'
import { LogError } from '@syscribe/log'
import { type Config, topicSettings } from '@syscribe/runtime'
import { CliError } from '../cli-error.js'
import { openClusterLog } from '../open-log.js'

/** How long brokers may take to answer, milliseconds. */
const patienceMs = 5_000

/** Whether the brokers that are set answer, and whether the topics that are there are as the settings say. */
export async function brokerChecks(config: Config): Promise<Check[]> {
  if (config.brokers === null) return []
  const name = 'brokers'
  const where = config.brokers.join(', ')
  try {
    const log = await openClusterLog(config, { operationTimeoutMs: patienceMs })
    try {
      const topics = new Map((await log.describeTopics()).map((topic) => [topic.topic, topic]))
      const { kafkaPartitions: partitions, retentionBytes, retentionMs } = config
      const wanted = topicSettings({ partitions, retentionBytes, retentionMs })
      const other = wanted.find((one) => (topics.get(one.topic)?.partitions ?? one.partitions) !== one.partitions)
      if (other !== undefined) {
        const has = topics.get(other.topic)?.partitions
        const detail = `Topic ${config.kafkaTopicPrefix}${other.topic} has ${has} partitions, not ${other.partitions}.`
        return [{ name, ok: false, detail, remedy: `Set KAFKA_PARTITIONS=${has}, or another KAFKA_TOPIC_PREFIX.` }]
      }
      const there = wanted.filter(({ topic }) => topics.has(topic)).length
      const detail = `${where} answer; ${there} of ${wanted.length} topics are there, the rest are made at the start.`
      return [{ name, ok: true, detail, remedy: null }]
    } finally {
      await log.close()
    }
  } catch (error) {
    if (!(error instanceof LogError || error instanceof CliError)) throw error
    const remedy = 'Set KAFKA_BROKERS, and TLS or SASL where the brokers want it; see that they run and can be reached.'
    return [{ name, ok: false, detail: `${error.message}.`, remedy }]
  }
}
