import { LogError } from '../errors.js'
import type { FetchedBatch, PartitionOffsets, Reader, ReaderOptions, ReadPosition, TopicPartition } from '../log.js'
import type { RecordBatch } from '../record-batch.js'
import type { News } from './news.js'

/** What a reader of an in-process engine reads from. */
export interface PartitionSource {
  readonly news: News
  readonly closed: boolean
  /** @throws LogError `unknown_topic` */
  offsets(at: TopicPartition): PartitionOffsets
  /**
   * The batch that holds `offset` or the first after it; null when there is none yet.
   * @throws LogError `offset_out_of_range`, `unknown_topic`, `corrupt`
   */
  batchFrom(at: TopicPartition, offset: number): RecordBatch | null
}

const defaultMaxBytes = 1024 * 1024

/** Reads partitions in turns, one batch of each, so that a busy one does not starve the others. */
export class PartitionReader implements Reader {
  readonly #source: PartitionSource
  readonly #maxBytes: number
  #positions: { topic: string; partition: number; offset: number }[] = []
  #next = 0
  #closed = false

  constructor(source: PartitionSource, options: ReaderOptions = {}) {
    this.#source = source
    this.#maxBytes = options.maxBytes ?? defaultMaxBytes
  }

  async assign(positions: readonly ReadPosition[]): Promise<void> {
    this.#checkOpen()
    this.#positions = positions.map(({ topic, partition, offset }) => {
      const { start, end } = this.#source.offsets({ topic, partition })
      return { topic, partition, offset: offset === 'earliest' ? start : offset === 'latest' ? end : offset }
    })
    this.#next = 0
    this.#source.news.announce()
  }

  async poll(
    options: { waitMs?: number; only?: readonly TopicPartition[]; signal?: AbortSignal } = {},
  ): Promise<FetchedBatch[]> {
    this.#checkOpen()
    const { waitMs = 0, only, signal } = options
    const deadline = waitMs > 0 ? performance.now() + waitMs : 0
    for (;;) {
      const fetched = this.#fetch(only)
      if (fetched.length > 0 || deadline === 0 || signal?.aborted) return fetched
      const left = deadline - performance.now()
      if (left <= 0) return fetched
      await this.#source.news.wait(left, signal)
      if (this.#closed) return []
      this.#checkOpen()
    }
  }

  #fetch(only: readonly TopicPartition[] | undefined): FetchedBatch[] {
    const chosen =
      only === undefined
        ? this.#positions
        : this.#positions.filter((at) => only.some((o) => o.topic === at.topic && o.partition === at.partition))
    const fetched: FetchedBatch[] = []
    // Positions move only when the whole poll succeeds: a fault in one partition loses nothing of another.
    const offsets = chosen.map((at) => at.offset)
    const turns = chosen.map((_, index) => (index + this.#next) % chosen.length)
    let bytes = 0
    let turn = 0
    while (turns.length > 0 && bytes < this.#maxBytes) {
      turn %= turns.length
      const index = turns[turn]!
      const at = chosen[index]!
      const batch = this.#source.batchFrom(at, offsets[index]!)
      if (batch === null) {
        turns.splice(turn, 1)
        continue
      }
      offsets[index] = batch.nextOffset
      bytes += batch.byteLength
      fetched.push({ topic: at.topic, partition: at.partition, batch, nextOffset: batch.nextOffset })
      turn++
    }
    for (const [index, at] of chosen.entries()) at.offset = offsets[index]!
    this.#next = turns[turn % turns.length] ?? 0
    return fetched
  }

  #checkOpen(): void {
    if (this.#closed) throw new LogError('closed', 'the reader is closed')
    if (this.#source.closed) throw new LogError('closed', 'the log is closed')
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#source.news.announce()
  }
}
