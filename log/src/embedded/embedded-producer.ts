import { LogError } from '../errors.js'
import type { CommittedOffset, PartitionBatch, Producer, Transaction } from '../log.js'
import type { EmbeddedLog } from './embedded-log.js'

export class EmbeddedProducer implements Producer {
  readonly #log: EmbeddedLog
  readonly #transactionalId: string | undefined
  readonly #epoch: number
  #closed = false

  constructor(log: EmbeddedLog, transactionalId: string | undefined) {
    this.#log = log
    this.#transactionalId = transactionalId
    this.#epoch = transactionalId === undefined ? 0 : log.takeEpoch(transactionalId)
  }

  async append(batches: readonly PartitionBatch[]): Promise<number[]> {
    this.#check()
    return this.#log.append(batches, () => this.#check())
  }

  async commit(transaction: Transaction): Promise<void> {
    this.#check()
    if (this.#transactionalId === undefined) {
      throw new LogError('invalid', 'a producer without a transactionalId has no transactions')
    }
    await this.#log.commit(transaction, () => this.#check())
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
    if (this.#transactionalId !== undefined && this.#log.epoch(this.#transactionalId) !== this.#epoch) {
      throw new LogError('fenced', `a newer producer has taken the transactionalId ${this.#transactionalId}`)
    }
  }
}
