import type { InputRecord, KeyedState } from '@syscribe/runtime'
import { type KindRecord, TopicCodec, type TopicKind } from '@syscribe/schemas'

export const codec = new TopicCodec('traffic')

/** A record of the topic `traffic` as the runtime hands it over. */
export function input<K extends TopicKind<'traffic'>>(kind: K, value: KindRecord<K>, reader = codec): InputRecord {
  return {
    topic: 'traffic',
    partition: 0,
    offset: 0,
    timestamp: 0,
    key: null,
    value: reader.encode(kind, value),
    codec: reader as never,
  }
}

/** The log remembers nothing: touching its state is a fault. */
export const noState = new Proxy({} as KeyedState<null>, {
  get: (_, name) => {
    throw new Error(`state.${String(name)} was used`)
  },
})
