import { checkCode } from '../fault.js'
import { readPartitions } from '../partitions.js'
import type { WireRequest } from '../wire.js'

const topicResource = 2
const timeoutMs = 30_000

export interface NewTopic {
  topic: string
  partitions: number
  /** -1: the cluster's default. */
  replication: number
  config: Record<string, string>
}

export interface TopicResult {
  topic: string
  code: number
  message: string | null
}

export function createTopicsRequest(topics: readonly NewTopic[]): WireRequest<TopicResult[]> {
  return {
    name: 'CreateTopics',
    apiKey: 19,
    apiVersion: 4,
    waitMs: timeoutMs,
    write: (to) =>
      to
        .array(topics, ({ topic, partitions, replication, config }) => {
          to.string(topic).int32(partitions).int16(replication).int32(0)
          to.array(Object.entries(config), ([name, value]) => to.string(name).nullableString(value))
        })
        .int32(timeoutMs)
        .boolean(false),
    read: (from) => {
      from.int32()
      return from.array(() => ({ topic: from.string(), code: from.int16(), message: from.nullableString() }))
    },
  }
}

export function deleteTopicRequest(topic: string): WireRequest<{ code: number }> {
  return {
    name: 'DeleteTopics',
    apiKey: 20,
    apiVersion: 3,
    waitMs: timeoutMs,
    write: (to) => to.array([topic], (name) => to.string(name)).int32(timeoutMs),
    read: (from) => {
      from.int32()
      const [result] = from.array(() => ({ topic: from.string(), code: from.int16() }))
      return { code: result?.code ?? 0 }
    },
  }
}

export interface TopicConfig {
  topic: string
  code: number
  config: Map<string, string | null>
}

/** Some settings of topics, the cluster's defaults included. */
export function describeConfigsRequest(
  topics: readonly string[],
  names: readonly string[],
): WireRequest<TopicConfig[]> {
  return {
    name: 'DescribeConfigs',
    apiKey: 32,
    apiVersion: 1,
    write: (to) =>
      to
        .array(topics, (topic) => {
          to.int8(topicResource).string(topic)
          to.array(names, (name) => to.string(name))
        })
        .boolean(false),
    read: (from) => {
      from.int32()
      return from.array(() => {
        const code = from.int16()
        from.nullableString()
        from.int8()
        const topic = from.string()
        const config = new Map<string, string | null>()
        from.array(() => {
          config.set(from.string(), from.nullableString())
          from.boolean()
          from.int8()
          from.boolean()
          from.array(() => [from.string(), from.nullableString(), from.int8()])
        })
        return { topic, code, config }
      })
    },
  }
}

/** Sets some settings of a topic and leaves the others. */
export function alterConfigsRequest(topic: string, config: Record<string, string>): WireRequest<void> {
  return {
    name: 'IncrementalAlterConfigs',
    apiKey: 44,
    apiVersion: 0,
    write: (to) =>
      to
        .array([topic], (name) => {
          to.int8(topicResource).string(name)
          to.array(Object.entries(config), ([key, value]) => to.string(key).int8(0).nullableString(value))
        })
        .boolean(false),
    read: (from) => {
      from.int32()
      from.array(() => {
        checkCode(from.int16(), `settings of topic ${topic}`, from.nullableString())
        from.int8()
        from.string()
      })
    },
  }
}

export interface PartitionSize {
  topic: string
  partition: number
  bytes: number
}

/** Bytes that one broker keeps of partitions. */
export function logDirsRequest(
  topics: readonly { topic: string; partitions: readonly number[] }[],
): WireRequest<PartitionSize[]> {
  return {
    name: 'DescribeLogDirs',
    apiKey: 35,
    apiVersion: 1,
    write: (to) =>
      to.array(topics, ({ topic, partitions }) => to.string(topic).array(partitions, (index) => to.int32(index))),
    read: (from) => {
      from.int32()
      const sizes: PartitionSize[] = []
      from.array(() => {
        from.int16()
        from.string()
        readPartitions(from, (topic, partition) => {
          const bytes = from.int64()
          from.int64()
          if (!from.boolean()) sizes.push({ topic, partition, bytes })
        })
      })
      return sizes
    },
  }
}

export function deleteGroupRequest(group: string): WireRequest<{ code: number }> {
  return {
    name: 'DeleteGroups',
    apiKey: 42,
    apiVersion: 1,
    write: (to) => to.array([group], (name) => to.string(name)),
    read: (from) => {
      from.int32()
      const [result] = from.array(() => ({ group: from.string(), code: from.int16() }))
      return { code: result?.code ?? 0 }
    },
  }
}
