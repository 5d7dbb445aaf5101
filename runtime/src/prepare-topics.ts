import type { Log, TopicSettings } from '@syscribe/log'

/**
 * Creates the topics that do not exist and gives the others the retention asked for, which may change from one start to
 * the next. `mayWrite` names the topics that this opener of the log writes; the rest are only checked.
 * @throws LogError `topic_mismatch` where a topic differs in what is for good.
 */
export async function prepareTopics(
  log: Log,
  topics: readonly TopicSettings[],
  mayWrite: (topic: string) => boolean = () => true,
): Promise<void> {
  const existing = new Map((await log.describeTopics()).map((described) => [described.topic, described]))
  for (const { topic, retentionMs, retentionBytes } of topics) {
    const found = existing.get(topic)
    if (found === undefined || !mayWrite(topic)) continue
    if (found.retentionMs === retentionMs && found.retentionBytes === retentionBytes) continue
    await log.setRetention(topic, { retentionMs, retentionBytes })
  }
  await log.createTopics(topics)
}
