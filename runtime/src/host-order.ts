import type { Watermark } from '@syscribe/schemas'
import type { ReadableSchema, RecordClass } from './readable-schema.js'
import { TimeQueue } from './time-queue.js'
import { floorAfter, floorOf, lostSourceMs, type SavedSource, WatermarkSources } from './watermark-sources.js'

/** Memory that a held record takes beside its key and value, about. Bytes. */
const recordOverhead = 200
/** The walk's state is noted each time this part of the bound has been walked, for a restart to begin there. */
const markPart = 1 / 64
const maxMarks = 256

/** A record that was read and not yet taken. */
export interface HeldRecord {
  readonly offset: number
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number
  readonly class: RecordClass | 'tombstone'
  readonly watermark: Watermark | null
  readonly schema: ReadableSchema
  /** Holds key and value: the batch, or a copy. */
  buffer: Buffer
  keyStart: number
  /** -1: none. */
  readonly keyLength: number
  valueStart: number
  valueEnd: number
  /** Its place in the order, milliseconds. */
  time: number
  /** What it counts while it is held, bytes. */
  heldBytes: number
}

/** What of a partition has been taken: every offset below `offset`, and what stands at or before `last`. */
export interface TakenPlace {
  offset: number
  last: [time: number, offset: number] | null
}

/** The walk before one record. */
interface Mark {
  offset: number
  known: number | null
  latest: number | null
  sources: SavedSource[]
}

/** As written into a checkpoint. */
export interface SavedHostOrder extends Mark {
  last: [time: number, offset: number] | null
  /** Where too much was held, and what `known` was raised to behind that record. */
  raised: [offset: number, time: number][]
  /** Offset up to which `raised` is complete. */
  walked: number
}

/**
 * The order of a partition that several hosts write, each with its own clock and its own delay.
 *
 * The records are walked by offset. `known` is how far all hosts are known there: no later record stands before it. A
 * record's time is its timestamp, or `known` where that is later. Records are released by (time, offset), those up to
 * `known`. So the order is a function of what the partition holds; how far the walk is ahead of what is taken does not
 * show in it. When more than a bound is held, `known` is raised until half of it is left: that too depends on the
 * records alone.
 */
export class HostOrder {
  readonly sources = new WatermarkSources()
  readonly #boundBytes: number
  #known = Number.NEGATIVE_INFINITY
  /** No record is further ahead of the furthest host than a host may be before the others count as lost. */
  #horizon = Number.POSITIVE_INFINITY
  /** Highest time given to a record. */
  #latest = Number.NEGATIVE_INFINITY
  #walked: number
  #done = false
  readonly #held = new TimeQueue<HeldRecord>()
  #heldBytes = 0
  /** Released, in their order, from `#firstReady` on. */
  #ready: HeldRecord[] = []
  #firstReady = 0
  #last: [time: number, offset: number] | null = null
  /** Of an earlier run: what was taken then does not come again. */
  #takenBefore: TakenPlace = { offset: 0, last: null }
  #marks: Mark[] = []
  #markBytes: number
  #bytesSinceMark = 0
  #raised: [offset: number, time: number][] = []
  /** Offset below which an earlier run has walked. */
  #raisedUntil = Number.NEGATIVE_INFINITY
  #nextRaise = 0

  /**
   * @param offset of the first record to walk
   * @param boundBytes how much may be held
   */
  constructor(offset: number, boundBytes: number) {
    this.#walked = offset
    this.#boundBytes = boundBytes
    this.#markBytes = boundBytes * markPart
  }

  /** Goes on from a partition that was read by offset: nothing comes before `floor`. */
  static after(offset: number, floor: number, sources: WatermarkSources, boundBytes: number): HostOrder {
    const order = new HostOrder(offset, boundBytes)
    order.#known = floor
    order.#latest = floor
    order.sources.restore(sources.save())
    order.#lookFurther()
    return order
  }

  /** `offset`: what `taken` gave when it was saved. */
  static restore(saved: SavedHostOrder, offset: number, boundBytes: number): HostOrder {
    const order = new HostOrder(saved.offset, boundBytes)
    order.#known = saved.known ?? Number.NEGATIVE_INFINITY
    order.#latest = saved.latest ?? Number.NEGATIVE_INFINITY
    order.sources.restore(saved.sources)
    order.#lookFurther()
    order.#last = saved.last
    order.#takenBefore = { offset, last: saved.last }
    order.#raised = [...saved.raised]
    order.#raisedUntil = saved.walked
    return order
  }

  /** Nothing later stands before this time; -Infinity while no host is known. */
  get known(): number {
    return this.#known
  }
  /** Offset of the next record to walk. */
  get walked(): number {
    return this.#walked
  }
  /** No more than one host is left and nothing is held for it: what follows needs no order but that of its offsets. */
  get done(): boolean {
    return this.#done
  }
  /** The first record released. */
  get first(): HeldRecord | undefined {
    return this.#ready[this.#firstReady]
  }

  /** What has been taken. */
  get taken(): TakenPlace {
    let offset = this.#walked
    for (const [first] of this.#held.groups()) offset = Math.min(offset, (first as HeldRecord).offset)
    for (let index = this.#firstReady; index < this.#ready.length; index++) {
      offset = Math.min(offset, (this.#ready[index] as HeldRecord).offset)
    }
    // While the walk repeats what an earlier run has walked, more may have been taken than is here to be seen.
    const repeats = this.#walked < this.#raisedUntil
    const none = offset === this.#walked && !repeats
    return { offset: Math.max(offset, this.#takenBefore.offset), last: none ? null : this.#last }
  }

  /** The records below this offset are gone, or have nothing to say. */
  passTo(offset: number): void {
    if (offset > this.#walked) this.#walked = offset
  }

  /** Walks the next record, when none is released; `id`: the source of its watermark. */
  add(record: HeldRecord, id: string): void {
    this.#raiseAsBefore(record.offset)
    const { watermark, offset } = record
    if (this.#marks.length === 0 || this.#bytesSinceMark >= this.#markBytes) this.#mark(offset)
    const bytes = record.valueEnd - record.keyStart + recordOverhead
    this.#bytesSinceMark += bytes
    const own = watermark === null ? Math.min(record.timestamp, this.#horizon) : this.#placeOf(floorOf(watermark))
    const time = Math.max(own, this.#known)
    record.time = time
    if (time > this.#latest) this.#latest = time
    if (watermark !== null) {
      this.sources.set(id, watermark)
      this.#lookFurther()
      this.#known = floorAfter(this.#known, this.sources.progress()!)
    }
    this.#walked = offset + 1
    if (!isTaken(this.#takenBefore, time, offset)) this.#hold(record, bytes)
    this.#release()
    this.#raiseAsBefore(offset + 1)
    if (this.#heldBytes > this.#boundBytes) this.#raise(offset)
    if (watermark !== null) this.#done = this.#latest <= this.#known && this.sources.counting <= 1
  }

  /** Takes the first released record. */
  take(): void {
    const record = this.#ready[this.#firstReady++] as HeldRecord
    this.#last = [record.time, record.offset]
    if (this.#firstReady < this.#ready.length) return
    this.#ready = []
    this.#firstReady = 0
  }

  /** Nothing follows what was walked. Returns whether that has released records. */
  releaseAll(): boolean {
    while (this.#held.least < Number.POSITIVE_INFINITY) this.#releaseLeast()
    return this.first !== undefined
  }

  /** Everything that `place` counts as taken has been walked and taken; the first released is not among it. */
  isBehind({ offset, last }: TakenPlace): boolean {
    return this.#walked >= offset && (last === null || (this.#walked > last[1] && this.#known >= last[0]))
  }

  /** Nothing that `place` counts as taken will come any more: what of it is here need not wait. */
  releaseTo({ offset, last }: TakenPlace): void {
    let time = last?.[0] ?? Number.NEGATIVE_INFINITY
    for (const records of this.#held.groups()) {
      const first = records[0] as HeldRecord
      if (first.offset < offset) time = Math.max(time, first.time)
    }
    this.#known = Math.max(this.#known, Math.ceil(time))
    this.passTo(Math.max(offset, (last?.[1] ?? -1) + 1))
    this.#release()
  }

  save(): SavedHostOrder {
    const { offset, last } = this.taken
    const mark = this.#marks.findLast((mark) => mark.offset <= offset) ?? this.#marks[0] ?? this.#state(this.#walked)
    const raised = this.#raised.filter(([at]) => at >= mark.offset)
    return { ...mark, last, raised, walked: Math.max(this.#walked, this.#raisedUntil) }
  }

  /** Before the records of its millisecond; of one host alone, which may have had some, where its offset puts it. */
  #placeOf(floor: number): number {
    return this.#latest === floor ? floor : floor - 0.5
  }

  #hold(record: HeldRecord, bytes: number): void {
    if (record.time > this.#known) {
      // A copy: what waits must not keep its whole batch.
      const { buffer, keyStart, valueEnd } = record
      record.buffer = Buffer.from(buffer.subarray(keyStart, valueEnd))
      record.keyStart = 0
      record.valueStart -= keyStart
      record.valueEnd -= keyStart
      record.heldBytes = bytes
      this.#heldBytes += bytes
    }
    this.#held.push(record.time, record)
  }

  #release(): void {
    while (this.#held.least <= this.#known) this.#releaseLeast()
  }

  #releaseLeast(): void {
    for (const record of this.#held.takeLeast()) {
      this.#heldBytes -= record.heldBytes
      this.#ready.push(record)
    }
  }

  #raise(offset: number): void {
    while (this.#heldBytes > this.#boundBytes / 2) {
      this.#known = Math.ceil(this.#held.least)
      this.#release()
    }
    this.#raised.push([offset, this.#known])
    this.#nextRaise = this.#raised.length
  }

  /** Raises what an earlier run has raised behind records below `offset`. */
  #raiseAsBefore(offset: number): void {
    for (let raise = this.#raised[this.#nextRaise]; raise !== undefined && raise[0] < offset; ) {
      this.#known = Math.max(this.#known, raise[1])
      this.#release()
      raise = this.#raised[++this.#nextRaise]
    }
  }

  #lookFurther(): void {
    const furthest = this.sources.furthest()
    this.#horizon = furthest === undefined ? Number.POSITIVE_INFINITY : Math.floor(furthest / 1000) + lostSourceMs
  }

  #state(offset: number): Mark {
    const finite = (time: number) => (Number.isFinite(time) ? time : null)
    return { offset, known: finite(this.#known), latest: finite(this.#latest), sources: this.sources.save() }
  }

  #mark(offset: number): void {
    this.#bytesSinceMark = 0
    const taken = Math.min(this.taken.offset, offset)
    const needed = this.#marks.findLastIndex((mark) => mark.offset <= taken)
    if (needed > 0) this.#marks.splice(0, needed)
    this.#marks.push(this.#state(offset))
    if (this.#marks.length > maxMarks) {
      this.#marks = this.#marks.filter((_, index) => index % 2 === 0)
      this.#markBytes *= 2
    }
    const first = (this.#marks[0] as Mark).offset
    const old = this.#raised.findIndex(([at]) => at >= first)
    const dropped = Math.min(old === -1 ? this.#raised.length : old, this.#nextRaise)
    this.#raised.splice(0, dropped)
    this.#nextRaise -= dropped
  }
}

/** Whether a record of that time and offset is among what was taken. */
export function isTaken({ offset: all, last }: TakenPlace, time: number, offset: number): boolean {
  return offset < all || (last !== null && (time < last[0] || (time === last[0] && offset <= last[1])))
}
