import type { WireRequest } from '../wire.js'

export interface ClusterMetadata {
  brokers: { id: number; host: string; port: number }[]
  /** -1 when there is none now. */
  controller: number
  topics: { topic: string; code: number; internal: boolean; leaders: number[] }[]
}

/** `topics`: null for all. Brokers make no topic for being asked. */
export function metadataRequest(topics: readonly string[] | null): WireRequest<ClusterMetadata> {
  return {
    name: 'Metadata',
    apiKey: 3,
    apiVersion: 7,
    write: (to) => to.array(topics, (topic) => to.string(topic)).boolean(false),
    read: (from) => {
      from.int32()
      const brokers = from.array(() => {
        const broker = { id: from.int32(), host: from.string(), port: from.int32() }
        from.nullableString()
        return broker
      })
      from.nullableString()
      const controller = from.int32()
      const topics = from.array(() => {
        const code = from.int16()
        const topic = from.string()
        const internal = from.boolean()
        const leaders: number[] = []
        from.array(() => {
          from.int16()
          leaders[from.int32()] = from.int32()
          from.int32()
          for (let list = 0; list < 3; list++) from.array(() => from.int32())
        })
        return { topic, code, internal, leaders }
      })
      return { brokers, controller, topics }
    },
  }
}
