import type { Log, Reader, RecordBatch, TopicPartition } from '@syscribe/log'

/** Reads what has come to one partition since the last look. */
export class NewRecords {
  readonly #log: Log
  readonly #place: TopicPartition
  #reader: Reader | null = null
  #next: number

  /** @param from offset of the first record to read */
  constructor(log: Log, place: TopicPartition, from: number) {
    this.#log = log
    this.#place = place
    this.#next = from
  }

  /** Gives each batch; records before `from` are to be passed over. */
  async read(visit: (batch: RecordBatch, from: number) => void | Promise<void>): Promise<void> {
    if (this.#reader === null) {
      this.#reader = await this.#log.reader()
      await this.#reader.assign([{ ...this.#place, offset: this.#next }])
    }
    for (;;) {
      const fetched = await this.#reader.poll()
      if (fetched.length === 0) return
      for (const { batch, nextOffset } of fetched) {
        await visit(batch, this.#next)
        this.#next = nextOffset
      }
    }
  }

  async close(): Promise<void> {
    await this.#reader?.close()
  }
}
