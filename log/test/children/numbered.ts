import { BatchBuilder, type RecordBatch } from '@syscribe/log'

/** A batch of records that hold consecutive numbers, padded so that batches have many sizes. */
export function numbered(from: number, count: number, padding: number): RecordBatch {
  const builder = new BatchBuilder()
  for (let number = from; number < from + count; number++) {
    const value = Buffer.alloc(8 + padding, number & 0xff)
    value.writeDoubleLE(number, 0)
    builder.append({ timestamp: 1_700_000_000_000 + number, key: null, value })
  }
  return builder.take()
}

export function numbersOf(batch: RecordBatch): number[] {
  return [...batch].map(({ value }) => value!.readDoubleLE(0))
}
