import { topics } from '@syscribe/schemas'

/** Topics that the collector writes: the raw side of the embedded log. */
export const rawTopics: ReadonlySet<string> = new Set(
  Object.entries(topics)
    .filter(([, topic]) => topic.writer === 'collector')
    .map(([name]) => name),
)
