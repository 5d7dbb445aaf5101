import { LogError } from './errors.js'
import type { TopicSettings } from './log.js'

const names = ['partitions', 'cleanup', 'retentionMs', 'retentionBytes'] as const

/** @throws LogError `topic_mismatch` naming the topic and the first setting that differs. */
export function checkSameSettings(existing: TopicSettings, wanted: TopicSettings): void {
  for (const name of names) {
    if (existing[name] !== wanted[name]) {
      throw new LogError(
        'topic_mismatch',
        `topic ${wanted.topic} exists with ${name} ${existing[name]}, not ${wanted[name]}`,
      )
    }
  }
}

/** @throws LogError `invalid` naming the setting. */
export function checkTopicSettings(settings: TopicSettings): void {
  const { topic, partitions, cleanup, retentionMs, retentionBytes } = settings
  const fault = (what: string) => new LogError('invalid', `topic ${JSON.stringify(topic)}: ${what}`)
  // Kafka's rule for names, so that every engine takes the same ones.
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(topic) || topic === '.' || topic === '..') {
    throw fault('a name is 1 to 249 letters, digits, dots, underscores and hyphens')
  }
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > 10_000) {
    throw fault(`partitions must be a whole number from 1 to 10000, not ${partitions}`)
  }
  if (cleanup !== 'delete' && cleanup !== 'compact') throw fault(`cleanup must be delete or compact, not ${cleanup}`)
  for (const [name, value] of [
    ['retentionMs', retentionMs],
    ['retentionBytes', retentionBytes],
  ] as const) {
    if (value !== null && !(Number.isInteger(value) && value >= 0)) {
      throw fault(`${name} must be null or a whole number from 0, not ${value}`)
    }
  }
}
