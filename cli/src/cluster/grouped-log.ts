import type { CommittedOffset, Log, PartitionBatch, Producer } from '@syscribe/log'

/**
 * A log in which consumer groups, transactional ids and the topics of state belong to one group of processes: another
 * group keeps its own place in the same topics.
 */
export function groupedLog(log: Log, group: string): Log {
  const own = (name: string) => `${group}.${name}`
  const isState = (topic: string) => topic.endsWith('.state')
  const topicIn = (topic: string) => (isState(topic) ? own(topic) : topic)
  /** Undefined for a state topic that is another group's. */
  const topicOut = (topic: string) => {
    if (!isState(topic)) return topic
    return topic.startsWith(own('')) ? topic.slice(group.length + 1) : undefined
  }
  const into = <T extends { topic: string }>(at: T): T => ({ ...at, topic: topicIn(at.topic) })
  const out = <T extends { topic: string }>(all: readonly T[]): T[] =>
    all.flatMap((at) => {
      const topic = topicOut(at.topic)
      return topic === undefined ? [] : [{ ...at, topic }]
    })
  const producerOf = (producer: Producer): Producer => ({
    append: (batches: readonly PartitionBatch[]) => producer.append(batches.map(into)),
    commit: ({ batches, group: name, offsets }) =>
      producer.commit({ batches: batches.map(into), group: own(name), offsets: offsets.map(into) }),
    committed: async (name) => out<CommittedOffset>(await producer.committed(own(name))),
    close: () => producer.close(),
  })
  return {
    engine: log.engine,
    createTopics: (topics) => log.createTopics(topics.map(into)),
    setRetention: (topic, retention) => log.setRetention(topicIn(topic), retention),
    describeTopics: async () => out(await log.describeTopics()),
    deleteTopic: (topic) => log.deleteTopic(topicIn(topic)),
    clean: () => log.clean(),
    registerSchema: (topic, schema) => log.registerSchema(topicIn(topic), schema),
    schema: (id) => log.schema(id),
    producer: async (options = {}) => {
      const { transactionalId } = options
      const named = transactionalId === undefined ? options : { ...options, transactionalId: own(transactionalId) }
      return producerOf(await log.producer(named))
    },
    reader: async (options) => {
      const reader = await log.reader(options)
      const { news } = reader
      return {
        ...(news && {
          news: ({ only, ...rest }) => news.call(reader, only === undefined ? rest : { ...rest, only: only.map(into) }),
        }),
        assign: (positions) => reader.assign(positions.map(into)),
        poll: async ({ only, ...rest } = {}) =>
          out(await reader.poll(only === undefined ? rest : { ...rest, only: only.map(into) })),
        close: () => reader.close(),
      }
    },
    groupMember: (options) =>
      log.groupMember({
        group: own(options.group),
        topics: options.topics.map(topicIn),
        onAssignment: (assigned) => options.onAssignment(out(assigned)),
        onFailure: (error) => options.onFailure?.(error),
      }),
    committed: async (name) => out(await log.committed(own(name))),
    deleteGroup: (name) => log.deleteGroup(own(name)),
    offsetForTime: (topic, partition, timestamp) => log.offsetForTime(topicIn(topic), partition, timestamp),
    close: () => log.close(),
  }
}
