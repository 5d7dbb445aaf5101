import type { CommittedOffset } from '../log.js'
import type { StoredTopic } from './catalog.js'
import { groupKey, groupRange, placeFromGroupKey } from './keys.js'
import type { Change, Store } from './store.js'

/** A group's offsets; those of topics that are no more are left out. */
export function committedOffsets(
  store: Store,
  group: string,
  topicOf: (id: number) => StoredTopic | undefined,
): CommittedOffset[] {
  return store.keys(groupRange(group)).flatMap((key) => {
    const { topicId, partition } = placeFromGroupKey(key)
    const topic = topicOf(topicId)?.settings.topic
    const value = store.get(key)
    if (topic === undefined || value === undefined) return []
    return [{ topic, partition, offset: value.readDoubleLE(0), metadata: value.toString('utf8', 8) }]
  })
}

export function writeOffsets(
  group: string,
  offsets: readonly CommittedOffset[],
  topicId: (topic: string) => number,
): Change[] {
  return offsets.map(({ topic, partition, offset, metadata }) => {
    const value = Buffer.alloc(8 + Buffer.byteLength(metadata))
    value.writeDoubleLE(offset, 0)
    value.write(metadata, 8)
    return { key: groupKey(group, topicId(topic), partition), value }
  })
}

export function removeGroup(store: Store, group: string): Change[] {
  return store.keys(groupRange(group)).map((key) => ({ key, value: null }))
}
