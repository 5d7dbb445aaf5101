import { BatchBuilder, type RecordBatch } from '@syscribe/log'
import { describe, expect, it } from 'vitest'
import { RecentBatches } from '../src/embedded/recent-batches.js'

function batch(offset: number, bytes: number): RecordBatch {
  const builder = new BatchBuilder()
  builder.append({ timestamp: 1, key: null, value: new Uint8Array(bytes) })
  const made = builder.take()
  made.baseOffset = offset
  return made
}

const mebibyte = 1024 * 1024

describe('RecentBatches', () => {
  it('gives a batch by its topic, partition and first offset only', () => {
    const recent = new RecentBatches()
    const kept = batch(7, 10)
    recent.add(2, 1, kept)
    expect(recent.get(2, 1, 7)).toBe(kept)
    expect(recent.get(2, 1, 8)).toBeUndefined()
    expect(recent.get(2, 0, 7)).toBeUndefined()
    expect(recent.get(4, 1, 7)).toBeUndefined()
  })

  it('lets the oldest go when it holds 8 MiB', () => {
    const recent = new RecentBatches()
    for (let offset = 0; offset < 12; offset++) recent.add(2, 0, batch(offset, mebibyte - 1024))
    const held = Array.from({ length: 12 }, (_, offset) => recent.get(2, 0, offset) !== undefined)
    expect(held).toEqual([...new Array(4).fill(false), ...new Array(8).fill(true)])
  })

  it('does not hold a batch that would displace most others', () => {
    const recent = new RecentBatches()
    recent.add(2, 0, batch(0, 10))
    recent.add(2, 0, batch(1, 3 * mebibyte))
    expect(recent.get(2, 0, 0)).toBeDefined()
    expect(recent.get(2, 0, 1)).toBeUndefined()
  })
})
