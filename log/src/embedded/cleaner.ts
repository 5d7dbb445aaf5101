import { setImmediate as turn } from 'node:timers/promises'
import { compactBatches, noteKeys } from '../compaction.js'
import { LogError } from '../errors.js'
import type { RecordBatch } from '../record-batch.js'
import { expiredBatches } from '../retention.js'
import type { StoredTopic } from './catalog.js'
import {
  batchKey,
  batchRange,
  deletedKey,
  deletedRange,
  type KeyRange,
  numberFromKey,
  offsetFromBatchKey,
  partitionKey,
  timesRange,
  topicRange,
} from './keys.js'
import { encodePartition } from './partition-row.js'
import type { Side } from './side.js'
import { type Change, storedBytes } from './store.js'

export interface CleanerOptions {
  /** How long compaction keeps tombstones: ms of record timestamp against the partition's newest. */
  tombstoneMs: number
  /** A partition is compacted when this much, and half of its compacted part, has come since. Bytes. */
  compactionBytes: number
}

/** Batches removed in one commit. */
const removedAtOnce = 32
/** Bytes of batches rewritten in one commit. */
const rewrittenAtOnce = 1024 * 1024
const targetBytes = 256 * 1024

/** Retention, compaction and the removal of deleted topics for one side, in steps that let appends in between. */
export class Cleaner {
  readonly #side: Side
  readonly #options: CleanerOptions
  #running: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(side: Side, options: CleanerOptions) {
    this.#side = side
    this.#options = options
  }

  /** `all`: compacts also what has changed little. One run after the other. */
  run(all: boolean): Promise<void> {
    const run = this.#running.then(() => this.#clean(all))
    this.#running = run.catch(() => undefined)
    return run
  }

  /** Ends after the step under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #clean(all: boolean): Promise<void> {
    await this.#removeDeleted()
    for (const topic of [...this.#side.catalog.topics.values()]) {
      for (let partition = 0; partition < topic.settings.partitions && !this.#gone(topic); partition++) {
        await this.#retain(topic, partition)
        if (topic.settings.cleanup === 'compact' && (all || this.#worthCompacting(topic, partition))) {
          await this.#compact(topic, partition)
        }
      }
    }
  }

  #gone(topic: StoredTopic): boolean {
    return this.#stopped || !this.#side.catalog.byId.has(topic.id)
  }

  #worthCompacting(topic: StoredTopic, partition: number): boolean {
    const { bytes, compactedBytes } = this.#side.row(topic, partition)
    return bytes - compactedBytes > Math.max(this.#options.compactionBytes, compactedBytes / 2)
  }

  async #retain(topic: StoredTopic, partition: number): Promise<void> {
    const { retentionMs, retentionBytes } = topic.settings
    if (retentionMs === null && retentionBytes === null) return
    let removed = removedAtOnce
    while (removed === removedAtOnce && !this.#gone(topic)) {
      let freed = 0
      removed = await this.#side.queue.submit(() => {
        const expired = this.#expired(topic, partition)
        freed = expired.freed
        return { changes: expired.changes, result: expired.count }
      })
      this.#side.store.freed(freed)
    }
  }

  /** Within a plan. */
  #expired(topic: StoredTopic, partition: number): { changes: Change[]; count: number; freed: number } {
    const side = this.#side
    const { start, end, newest, bytes } = side.row(topic, partition)
    const keys = side.store.keys(batchRange(topic.id, partition, start, end), removedAtOnce + 1)
    const sizes: number[] = []
    const stored = function* () {
      for (const key of keys) {
        const batch = side.batchAt(topic, partition, key)
        if (batch === null) return
        sizes.push(batch.byteLength)
        yield { bytes: batch.byteLength, maxTimestamp: batch.maxTimestamp }
      }
    }
    const count = expiredBatches(topic.settings, stored(), newest, bytes, keys.length)
    if (count === 0) return { changes: [], count, freed: 0 }
    const row = side.draft(topic, partition)
    row.start = offsetFromBatchKey(keys[count]!)
    const changes: Change[] = []
    let freed = 0
    for (let index = 0; index < count; index++) {
      row.bytes -= sizes[index]!
      freed += storedBytes(sizes[index]!)
      changes.push({ key: keys[index]!, value: null })
    }
    row.compactedBytes = Math.min(row.compactedBytes, row.bytes)
    for (const key of side.store.keys(timesRange(topic.id, partition), removedAtOnce)) {
      const base = side.store.get(key)?.readDoubleLE(0)
      if (base === undefined || base >= row.start) break
      changes.push({ key, value: null })
    }
    changes.push({ key: partitionKey(topic.id, partition), value: encodePartition(row) })
    return { changes, count, freed }
  }

  async #compact(topic: StoredTopic, partition: number): Promise<void> {
    const { start, end, newest } = this.#side.row(topic, partition)
    const keys = new Map<string, number>()
    for await (const { batches } of this.#groups(topic, partition, start, end)) {
      for (const batch of batches) noteKeys(batch, keys)
    }
    const tombstonesBefore = newest - this.#options.tombstoneMs
    let compactedBytes = 0
    for await (const group of this.#groups(topic, partition, start, end)) {
      const kept = compactBatches(group.batches, keys, tombstonesBefore, targetBytes)
      if (!same(kept, group.batches)) await this.#replace(topic, partition, group, kept)
      compactedBytes += total(kept)
    }
    if (this.#gone(topic)) return
    await this.#side.queue.submit(() => {
      const row = this.#side.draft(topic, partition)
      row.compactedTo = end
      row.compactedBytes = compactedBytes
      return { changes: [{ key: partitionKey(topic.id, partition), value: encodePartition(row) }], result: undefined }
    })
  }

  async #replace(topic: StoredTopic, partition: number, old: Group, batches: RecordBatch[]): Promise<void> {
    await this.#side.queue.submit(() => {
      if (this.#gone(topic)) return { changes: [], result: undefined }
      const row = this.#side.draft(topic, partition)
      row.bytes += total(batches) - total(old.batches)
      const changes: Change[] = old.keys.map((key) => ({ key, value: null }))
      for (const batch of batches) {
        changes.push({ key: batchKey(topic.id, partition, batch.baseOffset), value: batch.buffer })
      }
      changes.push({ key: partitionKey(topic.id, partition), value: encodePartition(row) })
      return { changes, result: undefined }
    })
    this.#side.store.freed(old.batches.reduce((sum, { byteLength }) => sum + storedBytes(byteLength), 0))
  }

  /** The batches between two offsets, some at a time, with a turn of the event loop between. */
  async *#groups(topic: StoredTopic, partition: number, from: number, to: number): AsyncGenerator<Group> {
    let group: Group = { keys: [], batches: [] }
    let bytes = 0
    let next = from
    while (next < to && !this.#gone(topic)) {
      const keys = this.#side.store.keys(batchRange(topic.id, partition, next, to), removedAtOnce)
      if (keys.length === 0) break
      for (const key of keys) {
        const batch = this.#side.batchAt(topic, partition, key)
        if (batch === null) throw new LogError('corrupt', `the log in ${this.#side.store.path} has lost a batch`)
        group.keys.push(key)
        group.batches.push(batch)
        bytes += batch.byteLength
        next = batch.nextOffset
        if (bytes < rewrittenAtOnce) continue
        yield group
        group = { keys: [], batches: [] }
        bytes = 0
        // The keys read before may be of an older commit than what comes next.
        break
      }
      await turn()
    }
    if (group.batches.length > 0) yield group
  }

  async #removeDeleted(): Promise<void> {
    for (const mark of this.#side.store.keys(deletedRange)) {
      const id = numberFromKey(mark)
      for (const kind of [5, 6, 4] as const) await this.#removeRange(topicRange(kind, id))
      if (this.#stopped) return
      await this.#side.queue.submit(() => ({ changes: [{ key: deletedKey(id), value: null }], result: undefined }))
    }
  }

  async #removeRange(range: KeyRange): Promise<void> {
    while (!this.#stopped) {
      const removed = await this.#side.queue.submit(() => {
        const keys = this.#side.store.keys(range, 256)
        return { changes: keys.map((key) => ({ key, value: null })), result: keys.length }
      })
      if (removed === 0) return
    }
  }
}

interface Group {
  keys: Buffer[]
  batches: RecordBatch[]
}

function same(a: readonly RecordBatch[], b: readonly RecordBatch[]): boolean {
  return a.length === b.length && a.every((batch, index) => batch === b[index])
}

function total(batches: readonly RecordBatch[]): number {
  return batches.reduce((sum, { byteLength }) => sum + byteLength, 0)
}
