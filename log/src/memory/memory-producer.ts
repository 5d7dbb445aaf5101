import { LogError } from '../errors.js'
import type { CommittedOffset, PartitionBatch, Producer, Transaction } from '../log.js'
import type { MemoryLog } from './memory-log.js'

export class MemoryProducer implements Producer {
  readonly #log: MemoryLog
  readonly #transactionalId: string | undefined
  readonly #epoch: number
  #closed = false

  constructor(log: MemoryLog, transactionalId: string | undefined) {
    this.#log = log
    this.#transactionalId = transactionalId
    this.#epoch = transactionalId === undefined ? 0 : (log.epochs.get(transactionalId) ?? 0) + 1
    if (transactionalId !== undefined) log.epochs.set(transactionalId, this.#epoch)
  }

  async append(batches: readonly PartitionBatch[]): Promise<number[]> {
    this.#check()
    return this.#log.write(batches, null, [])
  }

  async commit({ batches, group, offsets }: Transaction): Promise<void> {
    this.#check()
    if (this.#transactionalId === undefined) {
      throw new LogError('invalid', 'a producer without a transactionalId has no transactions')
    }
    this.#log.write(batches, group, offsets)
  }

  async committed(group: string): Promise<CommittedOffset[]> {
    this.#check()
    return this.#log.committed(group)
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #check(): void {
    if (this.#closed) throw new LogError('closed', 'the producer is closed')
    this.#log.checkOpen()
    const id = this.#transactionalId
    if (id !== undefined && this.#log.epochs.get(id) !== this.#epoch) {
      throw new LogError('fenced', `a newer producer has taken the transactionalId ${id}`)
    }
  }
}
