import { BatchBuilder, createMemoryLog, type FetchedBatch } from '@syscribe/log'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputPartition, type SavedInput } from '../src/input-partition.js'
import { Merge } from '../src/merge.js'
import { ownCodec } from '../src/own-codec.js'
import { type ReadableSchema, ReadableSchemas, recordClass } from '../src/readable-schema.js'
import { lostSourceMs } from '../src/watermark-sources.js'
import { boot, loss } from './test-records.js'

const codec = ownCodec('syscalls')
const schema: ReadableSchema = await new ReadableSchemas(createMemoryLog()).load('syscalls', 0)

interface Content {
  offset: number
  /** Milliseconds. */
  at: number
  host: string
  watermark: 'no' | 'yes' | 'final'
  /** Key and value, as the bound counts them. */
  bytes: number
}
type Placed = [offset: number, time: number]
interface Kind {
  bound: number
  isTable: boolean
}

/** Microseconds: watermarks are finer than records. */
const watermarkTime = ({ at }: { at: number }) => at * 1000 + 400

function encoded(record: Omit<Content, 'bytes'>): { key: Buffer; value: Buffer } {
  const { at, host, watermark, offset } = record
  if (watermark === 'no') return { key: Buffer.from('k'), value: codec.encode('CaptureLoss', loss(at, offset)) }
  const value = { time: watermarkTime(record), timeNanos: 0, host, boot, final: watermark === 'final' }
  return { key: Buffer.from(`watermark/${host}`), value: codec.encode('Watermark', value) }
}

/** The rules, said once more and simply: all records of a partition in their order. */
function orderOf(records: readonly Content[], { bound, isTable }: Kind, ended: boolean): Placed[] {
  const out: Placed[] = []
  const hosts = new Map<string, { floor: number; time: number; final: boolean }>()
  const furthest = () => Math.max(...[...hosts.values()].map(({ time }) => time))
  const counting = () =>
    [...hosts.values()].filter(({ time, final }) => !final && time >= furthest() - lostSourceMs * 1000)
  const knownTo = () =>
    counting().length > 0 ? Math.min(...counting().map(({ floor }) => floor)) : Math.floor(furthest() / 1000) + 1
  const floorAfter = (before: number) => Math.max(counting().length > 0 ? before : before + 1, knownTo())
  let merges = isTable
  let floor = Number.NEGATIVE_INFINITY
  let latest = floor
  let held: { placed: Placed; bytes: number }[] = []
  const release = (until: number) => {
    const released = held.filter(({ placed }) => placed[1] <= until).map(({ placed }) => placed)
    held = held.filter(({ placed }) => placed[1] > until)
    out.push(...released.sort((a, b) => a[1] - b[1] || a[0] - b[0]))
  }
  for (const record of records) {
    const isWatermark = record.watermark !== 'no'
    const horizon = hosts.size === 0 ? Number.POSITIVE_INFINITY : Math.floor(furthest() / 1000) + lostSourceMs
    const ownFloor = record.at + (record.watermark === 'final' ? 1 : 0)
    if (isWatermark) {
      hosts.set(record.host, { floor: ownFloor, time: watermarkTime(record), final: record.watermark === 'final' })
    }
    if (!merges) {
      const time = Math.max(floor, isWatermark ? knownTo() - 0.5 : record.at)
      out.push([record.offset, time])
      floor = isWatermark ? floorAfter(floor) : time
      if (isWatermark && counting().length > 1) {
        merges = true
        latest = floor
      }
      continue
    }
    const time = Math.max(
      floor,
      isWatermark ? ownFloor - (latest === ownFloor ? 0 : 0.5) : Math.min(record.at, horizon),
    )
    latest = Math.max(latest, time)
    if (isWatermark) floor = floorAfter(floor)
    held.push({ placed: [record.offset, time], bytes: record.bytes })
    release(floor)
    const sum = () => held.reduce((all, { bytes }) => all + bytes + 200, 0)
    if (sum() > bound) {
      while (sum() > bound / 2) {
        floor = Math.ceil(Math.min(...held.map(({ placed }) => placed[1])))
        release(floor)
      }
    }
    if (isWatermark && latest <= floor && counting().length <= 1) merges = false
  }
  if (ended) release(Number.POSITIVE_INFINITY)
  return out
}

/** Records of up to three hosts, each with its own clock and non-decreasing times; now and then a late one, or one lost. */
const contents: fc.Arbitrary<Content[]> = fc
  .array(
    fc.record({
      host: fc.constantFrom(0, 1, 2),
      advance: fc.oneof(
        { weight: 60, arbitrary: fc.integer({ min: 0, max: 4 }) },
        { weight: 1, arbitrary: fc.constant(lostSourceMs + 5) },
      ),
      kind: fc.constantFrom('record', 'record', 'record', 'watermark', 'watermark', 'late', 'final', 'ahead'),
      gap: fc.constantFrom(0, 0, 0, 0, 2),
    }),
    { maxLength: 60, size: 'max' },
  )
  .chain((events) =>
    fc
      .tuple(fc.constant(events), fc.tuple(fc.nat(30), fc.nat(30), fc.oneof(fc.nat(30), fc.nat(3000))))
      .map(([all, skews]) => {
        const times = skews.map((skew) => 10_000 + skew)
        let offset = 0
        return all.map(({ host, advance, kind, gap }): Content => {
          times[host] = (times[host] as number) + advance
          const time = times[host] as number
          offset += gap
          const content = {
            offset,
            at: kind === 'late' ? time - 7 : kind === 'ahead' ? time + 2 * lostSourceMs : time,
            host: 'abc'[host] as string,
            watermark:
              kind === 'watermark' ? ('yes' as const) : kind === 'final' ? ('final' as const) : ('no' as const),
          }
          offset++
          const { key, value } = encoded(content)
          return { ...content, bytes: key.length + value.length }
        })
      }),
  )

function fetchedBatch(records: readonly Content[], nextOffset: number): FetchedBatch {
  const builder = new BatchBuilder(0, 1024)
  for (const record of records) builder.append({ timestamp: record.at, ...encoded(record) })
  const batch = builder.take()
  batch.baseOffset = (records[0] as Content).offset
  let before = batch.baseOffset - 1
  let position = 40
  for (const record of records) {
    const buffer = batch.buffer
    buffer.writeUInt16LE(record.offset - before - 1, position + 6)
    before = record.offset
    position += 16 + record.bytes
  }
  return { topic: 'syscalls', partition: 0, batch, nextOffset }
}

/** Reads a partition in steps that `choice` picks, through crashes; gives what was taken, in its order. */
class Run {
  taken: Placed[] = []
  readonly #records: readonly Content[]
  readonly #kind: Kind
  readonly #choice: () => number
  #input: InputPartition
  #fed = 0
  /** What a processor has at a checkpoint, and since then at a commit. */
  #checkpoint: { saved: SavedInput; taken: number }

  constructor(records: readonly Content[], kind: Kind, choice: () => number) {
    this.#records = records
    this.#kind = kind
    this.#choice = choice
    this.#input = this.#open()
    this.#checkpoint = { saved: this.#input.save(), taken: 0 }
  }

  #open(): InputPartition {
    const { isTable, bound } = this.#kind
    return new InputPartition('syscalls', 0, isTable, 0, bound)
  }

  #feed(): boolean {
    if (this.#fed >= this.#records.length) return false
    const end = Math.min(this.#records.length, this.#fed + 1 + (this.#choice() % 9))
    const records = this.#records.slice(this.#fed, end)
    const next = this.#records[end]?.offset ?? (records.at(-1) as Content).offset + 1
    this.#input.push(fetchedBatch(records, next), schema)
    this.#fed = end
    return true
  }

  #take(most: number): void {
    const input = this.#input
    for (let count = 0; count < most && input.hasHead; count++) {
      this.taken.push([input.offset, input.time])
      if (input.class === recordClass.watermark) input.applyWatermark()
      input.pop()
    }
  }

  /** Fetches from where the input now reads. */
  #refetch(): void {
    const from = this.#input.readFrom
    const at = this.#records.findIndex(({ offset }) => offset >= from)
    // A batch may begin before.
    this.#fed = at === -1 ? this.#records.length : Math.max(0, at - (this.#choice() % 3))
  }

  #crash(): void {
    const commit = JSON.parse(JSON.stringify(this.#input.taken))
    const again = this.taken.slice(this.#checkpoint.taken)
    this.#input = this.#open()
    this.#input.restore(JSON.parse(JSON.stringify(this.#checkpoint.saved)))
    this.#refetch()
    this.taken = this.taken.slice(0, this.#checkpoint.taken)
    this.#input.limitToTaken(commit)
    while (!this.#input.atLimit) {
      this.#take(1 + (this.#choice() % 5))
      if (!this.#input.hasHead && !this.#input.atLimit) expect(this.#feed()).toBe(true)
    }
    expect(this.taken.slice(this.#checkpoint.taken)).toEqual(again)
    this.#input.limitToTaken(null)
  }

  run(ended: boolean): Placed[] {
    for (let steps = 0; this.#fed < this.#records.length || this.#input.hasHead; steps++) {
      // In the end it must get on.
      const choice = steps > 200 ? steps % 4 : this.#choice() % 8
      if (choice <= 1) this.#feed()
      else if (choice <= 3) this.#take(1 + (this.#choice() % 6))
      else if (choice === 4) this.#checkpoint = { saved: this.#input.save(), taken: this.taken.length }
      else if (choice === 5) this.#crash()
      else if (choice === 6) {
        // A restart at a commit that holds a checkpoint: a projection's.
        const saved = JSON.parse(JSON.stringify(this.#input.save()))
        this.#input = this.#open()
        this.#input.restore(saved)
        this.#refetch()
      } else {
        // What waits is fetched again.
        this.#input.seek(this.#input.readFrom)
        this.#refetch()
      }
    }
    if (ended) {
      if (this.#choice() % 2 === 0) this.#input.end()
      else this.#input.limitTo((this.#records.at(-1)?.offset ?? 0) + 1)
      this.#take(Number.POSITIVE_INFINITY)
    }
    return this.taken
  }
}

const bounds = fc.constantFrom(0, 700, 1500, 3000, 64 * 1024 * 1024)

describe('a partition that several hosts write', () => {
  test('its order is what the rules say, whatever the batches, the pace and the crashes', () => {
    let merged = 0
    fc.assert(
      fc.property(
        contents,
        fc.record({ bound: bounds, isTable: fc.boolean() }),
        fc.boolean(),
        fc.infiniteStream(fc.nat(1000)),
        (records, kind, ended, stream) => {
          const expected = orderOf(records, kind, ended)
          const run = new Run(records, kind, () => stream.next().value as number)
          expect(run.run(ended)).toEqual(expected)
          expect(expected.map(([, time]) => time)).toEqual(expected.map(([, time]) => time).sort((a, b) => a - b))
          if (expected.some(([offset], index) => index > 0 && offset < (expected[index - 1] as Placed)[0])) merged++
        },
      ),
      { numRuns: 600 },
    )
    expect(merged).toBeGreaterThan(100)
  }, 120_000)

  test('of one host alone a table has the order and the times of a partition taken by offset', () => {
    const alone = contents.map((records) => {
      const own = records.filter(({ host, at }) => host === 'a' && at < lostSourceMs)
      // As the host wrote them: its times do not go back, and its end is the end.
      const inOrder = own.filter(({ at }, index) => own.slice(0, index).every((before) => before.at <= at))
      const end = inOrder.findIndex(({ watermark }) => watermark === 'final')
      return end === -1 ? inOrder : inOrder.slice(0, end + 1)
    })
    fc.assert(
      fc.property(alone, (records) => {
        const bound = 64 * 1024 * 1024
        const taken = (isTable: boolean) => new Run(records, { bound, isTable }, () => 0).run(true)
        expect(taken(true)).toEqual(taken(false))
      }),
      { numRuns: 200 },
    )
  })

  test('what comes late, behind an end, does not wait for ever for a partition that has ended too', () => {
    const content = (offset: number, at: number, host: string, watermark: Content['watermark']): Content => {
      const { key, value } = encoded({ offset, at, host, watermark })
      return { offset, at, host, watermark, bytes: key.length + value.length }
    }
    const inputs = [0, 1].map((partition) => new InputPartition('syscalls', partition, false, 0, 1 << 20))
    const offsets = [0, 0]
    const push = (partition: number, at: number, host: string, watermark: Content['watermark']) => {
      const record = content((offsets[partition] as number)++, at, host, watermark)
      inputs[partition]?.push({ ...fetchedBatch([record], record.offset + 1), partition }, schema)
    }
    const taken: string[] = []
    const merge = new Merge(inputs)
    const take = () =>
      merge.run((input) => {
        if (input.class === recordClass.watermark) (input as InputPartition).applyWatermark()
        else taken.push(`${input.partition}/${input.offset}`)
        ;(input as InputPartition).pop()
      }, 100)
    for (const partition of [0, 1]) push(partition, 50_000, 'a', 'final')
    take()
    push(1, 20_000, 'b', 'no')
    take()
    expect(taken).toEqual([])
    for (const partition of [0, 1]) push(partition, 30_000, 'b', 'final')
    take()
    expect(taken).toEqual(['1/1'])
  })
})
