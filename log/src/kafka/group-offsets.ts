import { LogError } from '../errors.js'
import { checkGroupName } from '../local/committed-offsets.js'
import type { CommittedOffset, PartitionBatch } from '../log.js'
import { BatchBuilder } from '../record-batch.js'
import { RecordCursor } from '../record-cursor.js'
import type { Cluster } from './client/cluster.js'
import { checkCode, KafkaFault, logError } from './client/fault.js'
import { deleteGroupRequest } from './client/requests/admin.js'
import { fetchRequest } from './client/requests/fetch.js'
import { offsetFetchRequest } from './client/requests/offsets.js'
import { type Patience, persist } from './client/retry.js'
import { decodeBatches } from './decode-batches.js'
import { metadataKey, readMetadata } from './offset-metadata.js'
import { ownTopics, type Topics } from './topics.js'

const noSuchGroup = 69
const maxMetadataBytes = 1024 * 1024

/** Offsets that groups have committed, with their metadata. */
export class GroupOffsets {
  readonly #cluster: Cluster
  readonly #topics: Topics
  readonly #prefix: string
  readonly #patience: () => Patience

  constructor(cluster: Cluster, topics: Topics, prefix: string, patience: () => Patience) {
    this.#cluster = cluster
    this.#topics = topics
    this.#prefix = prefix
    this.#patience = patience
  }

  /** Of the topics that exist. @throws LogError `invalid`, `corrupt`, `unavailable` */
  async committed(group: string): Promise<CommittedOffset[]> {
    checkGroupName(group)
    const stored = await this.#stored(group)
    const offsets: CommittedOffset[] = []
    for (const { topic, partition, offset, metadata } of stored) {
      const found = readMetadata(metadata)
      const whole = typeof found === 'string' ? found : await this.#long(found.at)
      offsets.push({ topic, partition, offset, metadata: whole })
    }
    return offsets
  }

  /** Returns what is left of it elsewhere: batches that make the engine's own topic forget it too. */
  async remove(group: string, now: number): Promise<PartitionBatch[]> {
    checkGroupName(group)
    const stored = await this.#stored(group)
    try {
      await persist(this.#patience(), async () => {
        const place = { group: this.#prefix + group }
        const { code } = await this.#cluster.send(place, deleteGroupRequest(place.group))
        if (code !== noSuchGroup) checkCode(code, `group ${group}`)
      })
    } catch (error) {
      if (error instanceof KafkaFault && error.type === 'NON_EMPTY_GROUP') {
        throw new LogError('invalid', `group ${group} has members: it cannot be deleted`)
      }
      throw logError(error, `deleting group ${group}`)
    }
    const long = stored.filter(({ metadata }) => typeof readMetadata(metadata) !== 'string')
    return long.map((at) => {
      const builder = new BatchBuilder(0, 256)
      builder.append({ timestamp: now, key: metadataKey(group, at), value: null })
      return { topic: ownTopics.metadata, partition: 0, batch: builder.take() }
    })
  }

  async #stored(group: string): Promise<CommittedOffset[]> {
    const name = this.#prefix + group
    try {
      const all = await this.#cluster.ask({ group: name }, offsetFetchRequest(name), this.#patience())
      const offsets: CommittedOffset[] = []
      if (all.length === 0) return offsets
      const existing = await this.#topics.existing(all.map(({ topic }) => topic))
      for (const { topic: physical, ...offset } of all) {
        const topic = this.#topics.logical(physical)
        if (topic !== null && existing.has(physical)) offsets.push({ topic, ...offset })
      }
      return offsets.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
    } catch (error) {
      throw logError(error, `offsets of group ${group}`)
    }
  }

  async #long(offset: number): Promise<string> {
    const place = { topic: this.#topics.physical(ownTopics.metadata), partition: 0 }
    const where = `topic ${place.topic}`
    try {
      return await persist(this.#patience(), async () => {
        const limits = { waitMs: 0, maxBytes: maxMetadataBytes, maxPartitionBytes: maxMetadataBytes }
        const [answer] = await this.#cluster.send(place, fetchRequest([{ ...place, offset }], limits))
        checkCode(answer!.code, where)
        const { batches } = decodeBatches(answer!.records, offset, answer!.aborted, where)
        const cursor = new RecordCursor()
        const batch = batches[0]?.batch
        if (batch === undefined || !cursor.reset(batch).next() || cursor.offset !== offset) {
          throw new LogError(
            'corrupt',
            `${where} has no record at offset ${offset}, where an offset's metadata should be`,
          )
        }
        return cursor.value()?.toString() ?? ''
      })
    } catch (error) {
      throw logError(error, 'metadata of committed offsets')
    }
  }
}
