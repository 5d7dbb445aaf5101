import { batchHeaderBytes, batchMagic, RecordBatch, recordHeaderBytes } from './record-batch.js'
import { RecordCursor } from './record-cursor.js'

/** A gap of offsets within a batch is a u16. */
const maxDelta = 0xffff

/** Notes the newest offset of every key of a batch; batches come in offset order. */
export function noteKeys(batch: RecordBatch, newest: Map<string, number>): void {
  const cursor = new RecordCursor().reset(batch)
  while (cursor.next()) if (cursor.hasKey) newest.set(keyOf(batch, cursor), cursor.offset)
}

/**
 * Rewrites batches of a compacted topic without the records that a newer one of the same key replaces, and without
 * tombstones older than `tombstonesBefore` (ms). Offsets stay; small neighbours of one schema become one batch of up to
 * `targetBytes`. Batches that lose nothing and cannot be joined come back as they are (the same object).
 */
export function compactBatches(
  batches: readonly RecordBatch[],
  newest: ReadonlyMap<string, number>,
  tombstonesBefore: number,
  targetBytes: number,
): RecordBatch[] {
  const compacted: RecordBatch[] = []
  let open: Rewriter | null = null
  const finish = () => {
    if (open !== null && open.count > 0) compacted.push(open.take())
    open = null
  }
  for (const batch of batches) {
    const kept = keptRecords(batch, newest, tombstonesBefore)
    const whole = kept.length === batch.count
    if (kept.length === 0) continue
    if (whole && batch.byteLength >= targetBytes / 2) {
      finish()
      compacted.push(batch)
      continue
    }
    for (const record of kept) {
      if (open === null || !(open as Rewriter).accepts(batch, record, targetBytes)) {
        finish()
        open = new Rewriter(batch.schemaId, record.offset)
      }
      ;(open as Rewriter).add(batch, record)
    }
  }
  finish()
  return compacted.length === batches.length && compacted.every((batch, index) => equal(batch, batches[index]!))
    ? [...batches]
    : compacted
}

interface KeptRecord {
  offset: number
  timestamp: number
  start: number
  end: number
}

function keptRecords(batch: RecordBatch, newest: ReadonlyMap<string, number>, tombstonesBefore: number): KeptRecord[] {
  const kept: KeptRecord[] = []
  const cursor = new RecordCursor().reset(batch)
  while (cursor.next()) {
    const { offset, timestamp, keyStart, valueEnd } = cursor
    const replaced = cursor.hasKey && (newest.get(keyOf(batch, cursor)) ?? -1) > offset
    if (replaced || (!cursor.hasValue && timestamp < tombstonesBefore)) continue
    kept.push({ offset, timestamp, start: keyStart - recordHeaderBytes, end: valueEnd })
  }
  return kept
}

/** Bytes of any kind as a string of as many characters: a key of a Map. */
function keyOf(batch: RecordBatch, { keyStart, keyEnd }: RecordCursor): string {
  return batch.buffer.toString('latin1', keyStart, keyEnd)
}

function equal(a: RecordBatch, b: RecordBatch): boolean {
  return a === b || a.buffer.equals(b.buffer)
}

/** Packs records of other batches into one, keeping their offsets. */
class Rewriter {
  readonly #schemaId: number
  readonly #base: number
  #next: number
  #pieces: Buffer[] = []
  #bytes = batchHeaderBytes
  #gaps = 0
  #min = Number.POSITIVE_INFINITY
  #max = Number.NEGATIVE_INFINITY

  constructor(schemaId: number, base: number) {
    this.#schemaId = schemaId
    this.#base = base
    this.#next = base
  }
  get count(): number {
    return this.#pieces.length
  }
  accepts(batch: RecordBatch, record: KeptRecord, targetBytes: number): boolean {
    return (
      batch.schemaId === this.#schemaId &&
      record.offset - this.#next <= maxDelta &&
      this.#bytes + record.end - record.start <= targetBytes
    )
  }
  add(batch: RecordBatch, { offset, timestamp, start, end }: KeptRecord): void {
    const piece = Buffer.from(batch.buffer.subarray(start, end))
    piece.writeUInt16LE(offset - this.#next, 6)
    this.#gaps += offset - this.#next
    this.#next = offset + 1
    this.#pieces.push(piece)
    this.#bytes += piece.length
    this.#min = Math.min(this.#min, timestamp)
    this.#max = Math.max(this.#max, timestamp)
  }
  take(): RecordBatch {
    const header = Buffer.alloc(batchHeaderBytes)
    header.writeUInt32LE(batchMagic, 0)
    header.writeUInt32LE(this.#schemaId, 4)
    header.writeUInt32LE(this.count, 8)
    header.writeUInt32LE(this.#gaps, 12)
    header.writeDoubleLE(this.#base, 16)
    header.writeDoubleLE(this.#min, 24)
    header.writeDoubleLE(this.#max, 32)
    return new RecordBatch(Buffer.concat([header, ...this.#pieces], this.#bytes))
  }
}
