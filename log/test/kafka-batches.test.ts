import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RecordBatch } from '../src/index.js'
import { crc32c } from '../src/kafka/crc32c.js'
import { decodeBatches } from '../src/kafka/decode-batches.js'
import { encodeBatches, stamp } from '../src/kafka/encode-batches.js'
import { confluentFrame, singleObjectFrame } from '../src/kafka/framing.js'
import { batchOf, type PlainRecord, record } from './contract/contract-log.js'

// kafkajs's own code for the same format is the second opinion.
const require = createRequire(import.meta.url)
const Decoder = require('kafkajs/src/protocol/decoder') as new (buffer: Buffer) => { offset: number }
const decodeTheirs = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (decoder: unknown) => Promise<{
  producerId: string
  producerEpoch: number
  firstSequence: number
  inTransaction: boolean
  records: { key: Buffer | null; value: Buffer | null; timestamp: string; offset: string }[]
}>
const { RecordBatch: encodeTheirs } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch(options: object): Promise<{ buffer: Buffer }>
}
const theirRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => object

const times = (max: number) => fc.oneof(fc.integer({ min: 0, max: 2_000_000_000_000 }), fc.integer({ min: 0, max }))
const plain = fc.record({
  timestamp: times(2e15),
  key: fc.option(fc.string({ maxLength: 80 })),
  value: fc.option(fc.string({ maxLength: 200 })),
})
const frame = (id: number) => confluentFrame(id)

function pack(inputs: RecordBatch[], maxBytes = 1_000_000) {
  const encoded = encodeBatches('t', inputs, { maxBytes, frame })
  for (const batch of encoded.batches) stamp(batch, 7, 3, 11, true)
  return encoded
}

/** Sets base offsets as a broker does. */
function laid(batches: readonly { bytes: Buffer; count: number }[], from = 0): Buffer {
  let offset = from
  for (const { bytes, count } of batches) {
    bytes.writeBigInt64BE(BigInt(offset), 0)
    offset += count
  }
  return Buffer.concat(batches.map(({ bytes }) => bytes))
}

function read(batches: readonly { batch: RecordBatch }[]): (PlainRecord & { offset: number; schemaId: number })[] {
  return batches.flatMap(({ batch }) =>
    [...batch].map(({ offset, timestamp, key, value }) => ({
      offset,
      timestamp,
      key: key?.toString() ?? null,
      value: value?.toString() ?? null,
      schemaId: value === null ? 0 : batch.schemaId,
    })),
  )
}

describe('a checksum', () => {
  it('is CRC-32C', () => {
    // The check value of the catalogue of CRCs, and RFC 3720 appendix B.4.
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43)
    expect(crc32c(Buffer.from('x123456789y'), 1, 10)).toBe(0xe3069283)
  })
})

describe('batches of the wire', () => {
  it('are read back as they were packed, whatever the sizes, schemas and limits', () => {
    const old = plain.chain((one) => times(9e15).map((timestamp) => ({ ...one, timestamp })))
    const batch = fc.tuple(fc.array(old, { minLength: 1, maxLength: 12 }), fc.constantFrom(0, 1, 500_000))
    fc.assert(
      fc.property(
        fc.array(batch, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1200, max: 4000 }),
        (inputs, most) => {
          const { batches, starts } = pack(
            inputs.map(([records, schemaId]) => batchOf(records, schemaId)),
            most,
          )
          for (const { bytes } of batches) expect(bytes.length).toBeLessThanOrEqual(most)
          const all = inputs.flatMap(([records, schemaId]) => records.map((one) => ({ ...one, schemaId })))
          const expected = all.map((one, offset) => ({
            ...one,
            offset: 100 + offset,
            schemaId: one.value === null ? 0 : one.schemaId,
          }))
          const decoded = decodeBatches(laid(batches, 100), 100, [], 't')
          expect(read(decoded.batches)).toEqual(expected)
          expect(decoded.nextOffset).toBe(100 + all.length)
          // Where each input begins is where its first record is.
          let first = 0
          for (const [index, [records]] of inputs.entries()) {
            const { batch, index: at } = starts[index]!
            expect(batches.slice(0, batch).reduce((sum, { count }) => sum + count, at)).toBe(first)
            first += records.length
          }
          const middle = 100 + Math.floor(all.length / 2)
          expect(read(decodeBatches(laid(batches, 100), middle, [], 't').batches)).toEqual(
            expected.filter(({ offset }) => offset >= middle),
          )
        },
      ),
    )
  })

  it('are what kafkajs reads', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(plain, { minLength: 1, maxLength: 10 }), async (records) => {
        const { batches } = pack([batchOf(records, 258)])
        const theirs = await decodeTheirs(new Decoder(batches[0]!.bytes))
        expect(theirs).toMatchObject({ producerId: '7', producerEpoch: 3, firstSequence: 11, inTransaction: true })
        expect(
          theirs.records.map(({ key, value, timestamp }) => [
            key?.toString() ?? null,
            value?.toString() ?? null,
            +timestamp,
          ]),
        ).toEqual(
          records.map(({ key, value, timestamp }) => [
            key,
            value === null ? null : `\0\0\0\u0001\u0002${value}`,
            timestamp,
          ]),
        )
      }),
    )
  })

  it('of kafkajs are read, compressed and with headers too', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(plain, { minLength: 1, maxLength: 10 }),
        fc.constantFrom(0, 1),
        async (records, compression) => {
          const base = records[0]!.timestamp
          const { buffer } = await encodeTheirs({
            compression,
            firstTimestamp: base,
            maxTimestamp: Math.max(...records.map(({ timestamp }) => timestamp)),
            lastOffsetDelta: records.length - 1,
            records: records.map(({ key, value, timestamp }, offsetDelta) =>
              theirRecord({
                offsetDelta,
                timestampDelta: timestamp - base,
                key: key === null ? null : Buffer.from(key),
                value: value === null ? null : Buffer.concat([singleObjectFrame(0x1_0000_0009n), Buffer.from(value)]),
                headers: { from: 'elsewhere' },
              }),
            ),
          })
          expect(read(decodeBatches(buffer, 0, [], 't').batches)).toEqual(
            records.map((one, offset) => ({ ...one, offset, schemaId: one.value === null ? 0 : 9 })),
          )
        },
      ),
    )
  })

  it('without a frame are given as they are, of no schema', async () => {
    const { buffer } = await encodeTheirs({
      firstTimestamp: 5,
      records: [
        theirRecord({ value: Buffer.from('{"json":1}') }),
        theirRecord({ offsetDelta: 1, value: Buffer.from([0]) }),
      ],
      lastOffsetDelta: 1,
    })
    const { batches } = decodeBatches(buffer, 0, [], 't')
    expect(read(batches)).toMatchObject([
      { value: '{"json":1}', schemaId: 0 },
      { value: '\0', schemaId: 0 },
    ])
  })

  it('cut off at the end are left for the next fetch', () => {
    const whole = laid(pack([batchOf([record('a')])]).batches)
    const next = laid(pack([batchOf([record('b')])]).batches, 1)
    for (const length of [1, 20, next.length - 1]) {
      const decoded = decodeBatches(Buffer.concat([whole, next.subarray(0, length)]), 0, [], 't')
      expect(read(decoded.batches).map(({ value }) => value)).toEqual(['a'])
      expect(decoded.nextOffset).toBe(1)
    }
  })

  it('with a flipped bit are corrupt, and it is said where', () => {
    const bytes = laid(pack([batchOf([record('some text')])]).batches, 42)
    bytes[bytes.length - 3]! ^= 1
    expect(() => decodeBatches(bytes, 42, [], 'topic http partition 3')).toThrow(
      /topic http partition 3: the batch at offset 42 does not match its checksum/,
    )
  })

  it('compressed by what is not understood are refused by name', () => {
    const [batch] = pack([batchOf([record('text')])]).batches
    batch!.bytes.writeInt16BE(4, 21)
    stamp(batch!, 7, 3, 11, true)
    expect(() => decodeBatches(laid([batch!]), 0, [], 't')).toThrow(/zstd/)
  })

  it('far apart after compaction keep their offsets', () => {
    const one = pack([batchOf([record('a'), record('b')])]).batches
    one[0]!.bytes.writeInt32BE(200_000, 23)
    // The second record's offset is told by the record itself: as a broker leaves it, the first alone remains.
    const far = pack([batchOf([record('z')])]).batches
    stamp(one[0]!, 7, 3, 11, true)
    const decoded = decodeBatches(Buffer.concat([laid(one, 5), laid(far, 300_000)]), 0, [], 't')
    expect(read(decoded.batches).map(({ offset }) => offset)).toEqual([5, 6, 300_000])
    expect(decoded.batches.map(({ nextOffset }) => nextOffset)).toEqual([200_006, 300_001])
  })

  it('of aborted transactions are left out, and those of others at the same time are not', () => {
    const of = (producerId: number, text: string, base: number) => {
      const { batches } = pack([batchOf([record(text)])])
      stamp(batches[0]!, producerId, 0, 0, true)
      return laid(batches, base)
    }
    const marker = (producerId: number, kind: 'abort' | 'commit', base: number) => {
      const { batches } = encodeBatches(
        't',
        [batchOf([{ timestamp: 0, key: `\0\0\0${kind === 'abort' ? '\0' : '\u0001'}`, value: null }])],
        { maxBytes: 1000, frame },
      )
      batches[0]!.bytes.writeInt16BE(0x20, 21)
      stamp(batches[0]!, producerId, 0, -1, true)
      return laid(batches, base)
    }
    const log = Buffer.concat([
      of(1, 'aborted', 0),
      of(2, 'kept', 1),
      marker(1, 'abort', 2),
      of(1, 'later', 3),
      marker(2, 'commit', 4),
      marker(1, 'commit', 5),
    ])
    const decoded = decodeBatches(log, 0, [{ producerId: 1, firstOffset: 0 }], 't')
    expect(read(decoded.batches).map(({ value }) => value)).toEqual(['kept', 'later'])
    expect(decoded.batches.at(-1)!.nextOffset).toBe(6)
    expect(decoded.nextOffset).toBe(6)
  })

  it('of several records keep to a size, which one record may exceed', () => {
    const texts = ['a', 'x'.repeat(5000), 'b', 'c'.repeat(900), 'd'.repeat(900)]
    const inputs = [batchOf(texts.map((text) => record(text)))]
    const { batches } = encodeBatches('t', inputs, { maxBytes: 10_000, targetBytes: 1000, frame })
    expect(batches.map(({ count }) => count)).toEqual([1, 1, 2, 1])
    const small = encodeBatches('t', [batchOf(texts.slice(2, 4).map((text) => record(text)))], {
      maxBytes: 10_000,
      targetBytes: 1100,
      frame,
    })
    expect(small.batches.map(({ count }) => count)).toEqual([2])
  })

  it('are packed smaller when that is asked for', () => {
    const inputs = [batchOf([record('x'.repeat(10_000)), record('y')], 4)]
    const { batches } = encodeBatches('t', inputs, { maxBytes: 100_000, frame, gzip: true })
    stamp(batches[0]!, 1, 0, 0, false)
    expect(batches[0]!.bytes.length).toBeLessThan(300)
    expect(read(decodeBatches(laid(batches), 0, [], 't').batches)).toMatchObject([
      { value: 'x'.repeat(10_000), schemaId: 4 },
      { value: 'y', schemaId: 4 },
    ])
  })
})
