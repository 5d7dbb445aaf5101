import type { GroupMember, Log, Producer, Reader } from '@syscribe/log'

/** Called at every point where a process can die: before and after each call of the log. */
export type Point = (name: string) => void

/**
 * The log as a process sees it that may die at any await: `point` throws where it does. `before`: the call never
 * happens. `after`: it happens, and nobody hears of it.
 */
export function faultyLog(log: Log, point: Point): Log {
  const around = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    point(`before ${name}`)
    const result = await call()
    point(`after ${name}`)
    return result
  }
  const producerOf = (producer: Producer): Producer => ({
    append: (batches) => around('append', () => producer.append(batches)),
    commit: (transaction) => around('commit', () => producer.commit(transaction)),
    committed: (group) => around('committed', () => producer.committed(group)),
    close: () => producer.close(),
  })
  const readerOf = (reader: Reader): Reader => ({
    assign: (positions) => around('assign', () => reader.assign(positions)),
    poll: (options) => around('poll', () => reader.poll(options)),
    ...(reader.news && { news: (options) => around('news', () => reader.news!(options)) }),
    close: () => reader.close(),
  })
  return {
    engine: log.engine,
    createTopics: (topics) => around('createTopics', () => log.createTopics(topics)),
    setRetention: (topic, retention) => around('setRetention', () => log.setRetention(topic, retention)),
    describeTopics: () => around('describeTopics', () => log.describeTopics()),
    deleteTopic: (topic) => around('deleteTopic', () => log.deleteTopic(topic)),
    clean: () => log.clean(),
    registerSchema: (topic, schema) => around('registerSchema', () => log.registerSchema(topic, schema)),
    schema: (id) => around('schema', () => log.schema(id)),
    producer: async (options) => producerOf(await around('producer', () => log.producer(options))),
    reader: async (options) => readerOf(await around('reader', () => log.reader(options))),
    groupMember: (options): Promise<GroupMember> => log.groupMember(options),
    committed: (group) => around('committed', () => log.committed(group)),
    deleteGroup: (group) => around('deleteGroup', () => log.deleteGroup(group)),
    offsetForTime: (topic, partition, timestamp) => log.offsetForTime(topic, partition, timestamp),
    close: () => log.close(),
  }
}
