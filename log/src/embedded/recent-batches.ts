import type { RecordBatch } from '../record-batch.js'

/** Memory held for one side. Readers of a topic that keep up with each other are closer together than this. */
const keptBytes = 8 * 1024 * 1024

/**
 * The batches appended or read last, by place: what several readers of a topic take one after the other is read from
 * the store, and checked, once, and what was appended here not at all. Batches of a place never change where retention
 * alone removes them, so those of compacted topics must not be kept.
 */
export class RecentBatches {
  readonly #batches = new Map<string, RecordBatch>()
  #bytes = 0

  get(topicId: number, partition: number, offset: number): RecordBatch | undefined {
    return this.#batches.get(nameOf(topicId, partition, offset))
  }

  add(topicId: number, partition: number, batch: RecordBatch): void {
    const bytes = memoryOf(batch)
    const name = nameOf(topicId, partition, batch.baseOffset)
    if (bytes > keptBytes / 4 || this.#batches.has(name)) return
    this.#batches.set(name, batch)
    this.#bytes += bytes
    for (const [oldest, old] of this.#batches) {
      if (this.#bytes <= keptBytes) break
      this.#batches.delete(oldest)
      this.#bytes -= memoryOf(old)
    }
  }
}

/** A batch keeps all of the memory that it is a view of. */
function memoryOf({ buffer }: RecordBatch): number {
  return buffer.buffer.byteLength
}

function nameOf(topicId: number, partition: number, offset: number): string {
  return `${topicId}/${partition}/${offset}`
}
