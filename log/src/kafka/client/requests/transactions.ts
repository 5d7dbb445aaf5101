import { checkCode } from '../fault.js'
import { readPartitions, writePartitions } from '../partitions.js'
import type { WireRequest } from '../wire.js'
import type { GroupOffset } from './offsets.js'

/** Who appends: brokers know its batches by it, and an older epoch of the same id is refused. */
export interface ProducerIdentity {
  producerId: number
  epoch: number
}

export const nobody: ProducerIdentity = { producerId: -1, epoch: -1 }

/**
 * An identity; of a transactional id, the next epoch of its own, with what was open aborted. `current`: the epoch held
 * so far; when a newer one has been given out since, the fault is a fencing one (KIP-360).
 */
export function producerIdRequest(
  transactionalId: string | null,
  timeoutMs: number,
  current: ProducerIdentity,
): WireRequest<ProducerIdentity> {
  return {
    name: 'InitProducerId',
    apiKey: 22,
    apiVersion: 4,
    oldest: 3,
    write: (to) => {
      to.noTags().compactString(transactionalId).int32(timeoutMs)
      to.int64(current.producerId).int16(current.epoch).noTags()
    },
    read: (from) => {
      from.skipTags()
      from.int32()
      checkCode(from.int16(), `the transactionalId ${transactionalId}`)
      return { producerId: from.int64(), epoch: from.int16() }
    },
  }
}

export interface PartitionList {
  topic: string
  partitions: number[]
}

export function addPartitionsRequest(
  transactionalId: string,
  { producerId, epoch }: ProducerIdentity,
  topics: readonly PartitionList[],
): WireRequest<void> {
  return {
    name: 'AddPartitionsToTxn',
    apiKey: 24,
    apiVersion: 1,
    write: (to) =>
      to
        .string(transactionalId)
        .int64(producerId)
        .int16(epoch)
        .array(topics, ({ topic, partitions }) => to.string(topic).array(partitions, (index) => to.int32(index))),
    read: (from) => {
      from.int32()
      const results = readPartitions(from, (topic, partition) => ({ topic, partition, code: from.int16() }))
      // Partitions that were all right fail with those that were not: the cause is the other code.
      const attempted = 55
      const failed = results.filter(({ code }) => code !== 0)
      const cause = failed.find(({ code }) => code !== attempted) ?? failed[0]
      if (cause) checkCode(cause.code, `transactionalId ${transactionalId}, topic ${cause.topic} ${cause.partition}`)
    },
  }
}

export function addOffsetsRequest(
  transactionalId: string,
  { producerId, epoch }: ProducerIdentity,
  group: string,
): WireRequest<void> {
  return {
    name: 'AddOffsetsToTxn',
    apiKey: 25,
    apiVersion: 1,
    write: (to) => to.string(transactionalId).int64(producerId).int16(epoch).string(group),
    read: (from) => {
      from.int32()
      checkCode(from.int16(), `transactionalId ${transactionalId}, group ${group}`)
    },
  }
}

/** Goes to the group's coordinator. */
export function commitOffsetsRequest(
  transactionalId: string,
  { producerId, epoch }: ProducerIdentity,
  group: string,
  offsets: readonly GroupOffset[],
): WireRequest<void> {
  return {
    name: 'TxnOffsetCommit',
    apiKey: 28,
    apiVersion: 2,
    write: (to) => {
      to.string(transactionalId).string(group).int64(producerId).int16(epoch)
      writePartitions(to, offsets, ({ offset, metadata }) => to.int64(offset).int32(-1).nullableString(metadata))
    },
    read: (from) => {
      from.int32()
      readPartitions(from, (topic, partition) => {
        checkCode(from.int16(), `transactionalId ${transactionalId}, offset of topic ${topic} ${partition}`)
      })
    },
  }
}

export function endTransactionRequest(
  transactionalId: string,
  { producerId, epoch }: ProducerIdentity,
  committed: boolean,
): WireRequest<void> {
  return {
    name: 'EndTxn',
    apiKey: 26,
    apiVersion: 1,
    write: (to) => to.string(transactionalId).int64(producerId).int16(epoch).boolean(committed),
    read: (from) => {
      from.int32()
      checkCode(from.int16(), `transactionalId ${transactionalId}`)
    },
  }
}
