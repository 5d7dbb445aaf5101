import { BatchBuilder, type NewRecord, RecordBatch, RecordCursor } from '@syscribe/log'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchFault } from '../src/check-batch.js'

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))
const record: fc.Arbitrary<NewRecord> = fc.record({
  timestamp: fc.integer({ min: -1e15, max: 1e15 }),
  key: fc.option(bytes(40)),
  value: fc.option(bytes(2000)),
})
const records = fc.array(record, { minLength: 1, maxLength: 40 })

/** Appends as `append` does, or by way of `appendWith` with a size hint that is too small. */
function pack(input: readonly NewRecord[], schemaId: number, capacity: number, written: boolean): RecordBatch {
  const builder = new BatchBuilder(schemaId, capacity)
  for (const { timestamp, key, value } of input) {
    if (!written || value === null) {
      builder.append({ timestamp, key, value })
      continue
    }
    builder.appendWith(timestamp, key, 1, (buffer, position) => {
      const lacking = position + value.length - buffer.length
      if (lacking > 0) return -lacking
      buffer.set(value, position)
      return position + value.length
    })
  }
  expect(builder.count).toBe(input.length)
  const size = builder.byteLength
  const batch = builder.take()
  expect(batch.byteLength).toBe(size)
  expect(builder.count).toBe(0)
  return batch
}

describe('a record batch', () => {
  it('gives back what was packed, however it was written', () => {
    fc.assert(
      fc.property(
        records,
        fc.nat({ max: 0xffffffff }),
        fc.integer({ min: 40, max: 5000 }),
        fc.boolean(),
        (input, schemaId, capacity, written) => {
          const batch = pack(input, schemaId, capacity, written)
          batch.baseOffset = 2 ** 40
          const expected = input.map(({ timestamp, key, value }, index) => ({
            offset: 2 ** 40 + index,
            timestamp,
            key,
            value,
          }))
          expect([...batch]).toEqual(expected)
          expect(batch.schemaId).toBe(schemaId)
          expect(batch.count).toBe(input.length)
          expect(batch.gaps).toBe(0)
          expect(batch.nextOffset).toBe(2 ** 40 + input.length)
          expect(batch.minTimestamp).toBe(Math.min(...input.map(({ timestamp }) => timestamp)))
          expect(batch.maxTimestamp).toBe(Math.max(...input.map(({ timestamp }) => timestamp)))
          expect(batchFault(batch.buffer)).toBeNull()
        },
      ),
    )
  })

  it('is walked by a cursor as by its iterator, wherever it lies in memory', () => {
    const cursor = new RecordCursor()
    fc.assert(
      fc.property(records, fc.nat({ max: 9 }), (input, shift) => {
        const packed = pack(input, 1, 64, false)
        const batch = new RecordBatch(Buffer.concat([Buffer.alloc(shift), packed.buffer]).subarray(shift))
        cursor.reset(batch)
        for (const { offset, timestamp, key, value } of batch) {
          expect(cursor.next()).toBe(true)
          expect({ offset: cursor.offset, timestamp: cursor.timestamp }).toEqual({ offset, timestamp })
          expect(cursor.key()).toEqual(key)
          expect(cursor.value()).toEqual(value)
          expect([cursor.hasKey, cursor.hasValue]).toEqual([key !== null, value !== null])
          expect(batch.buffer.subarray(cursor.keyStart, cursor.keyEnd)).toEqual(key ?? Buffer.alloc(0))
          expect(batch.buffer.subarray(cursor.valueStart, cursor.valueEnd)).toEqual(value ?? Buffer.alloc(0))
        }
        expect(cursor.next()).toBe(false)
        expect(cursor.next()).toBe(false)
      }),
    )
  })

  it('keeps its bytes when the builder goes on', () => {
    const builder = new BatchBuilder()
    builder.append({ timestamp: 1, key: null, value: Buffer.from('first') })
    const first = builder.take()
    builder.append({ timestamp: 2, key: null, value: Buffer.from('second') })
    expect([...first].map(({ value }) => value?.toString())).toEqual(['first'])
    expect([...builder.take()].map(({ value }) => value?.toString())).toEqual(['second'])
  })

  it('refuses a key that is too long, and stays usable', () => {
    const builder = new BatchBuilder()
    const append = (length: number) => builder.append({ timestamp: 1, key: Buffer.alloc(length), value: null })
    append(65_534)
    expect(() => append(65_535)).toThrow(/65535 bytes/)
    append(0)
    expect([...builder.take()].map(({ key }) => key?.length)).toEqual([65_534, 0])
  })

  it('has its fault named when any of its lengths is wrong, and is never read beyond its end', () => {
    fc.assert(
      fc.property(records, fc.nat(), fc.nat({ max: 255 }), (input, place, byte) => {
        const { buffer } = pack(input, 1, 64, false)
        const cut = buffer.subarray(0, place % buffer.length)
        expect(batchFault(cut)).not.toBeNull()
        expect(batchFault(Buffer.concat([buffer, Buffer.alloc(1)]))).not.toBeNull()
        buffer[place % buffer.length] = byte
        if (batchFault(buffer) !== null) return
        const read = [...new RecordBatch(buffer)]
        expect(read.reduce((sum, { key, value }) => sum + 16 + (key?.length ?? 0) + (value?.length ?? 0), 40)).toBe(
          buffer.length,
        )
      }),
      { numRuns: 500 },
    )
  })

  it('has the layout of its description, byte by byte', () => {
    const builder = new BatchBuilder(7)
    builder.append({ timestamp: 1000, key: Buffer.from('k'), value: Buffer.from('ab') })
    builder.append({ timestamp: 2000, key: null, value: null })
    const batch = builder.take()
    batch.baseOffset = 258
    const f64 = (number: number) => {
      const buffer = Buffer.alloc(8)
      buffer.writeDoubleLE(number)
      return buffer.toString('hex')
    }
    expect(batch.buffer.toString('hex')).toBe(
      [
        '01000000' + '07000000' + '02000000' + '00000000' + f64(258) + f64(1000) + f64(2000),
        '02000000' + '0100' + '0000' + f64(1000) + '6b' + '6162',
        'ffffffff' + 'ffff' + '0000' + f64(2000),
      ].join(''),
    )
  })
})
