import { describe, expect, test } from 'vitest'
import { floorOf, instanceKey, lostSourceMs, slowest, sourceId, WatermarkSources } from '../src/watermark-sources.js'
import { boot } from './test-records.js'

const mark = (host: string, time: number, final = false) => ({ time, timeNanos: 0, host, boot, final })

describe('watermarks of one partition', () => {
  test('the slowest host decides; one that ended does not; all ended is the last end', () => {
    const sources = new WatermarkSources()
    expect(sources.progress()).toBeUndefined()
    sources.set('1', mark('a', 5_000))
    sources.set('2', mark('b', 9_000))
    expect(sources.progress()).toEqual({ time: 5_000, nanos: 0, final: false })
    expect(sources.progressWith('1', mark('a', 7_000))?.time).toBe(7_000)
    expect(sources.progress()?.time).toBe(5_000)
    sources.set('1', mark('a', 5_500, true))
    expect(sources.progress()).toEqual({ time: 9_000, nanos: 0, final: false })
    sources.set('2', mark('b', 9_900, true))
    expect(sources.progress()).toEqual({ time: 9_900, nanos: 0, final: true })
    // A host that comes back counts again.
    sources.set('1', mark('a', 12_000))
    expect(sources.progress()).toEqual({ time: 12_000, nanos: 0, final: false })
  })

  test('the instances that forward a host are told apart', () => {
    const sources = new WatermarkSources()
    sources.set('watermark/a/p/0', mark('a', 9_000))
    sources.set('watermark/a/p/1', mark('a', 4_000))
    expect(sources.progressOf('a')?.time).toBe(4_000)
    expect(sources.progressOf('b')).toBeUndefined()
  })

  describe('an instance that writes beside others', () => {
    const id = (instance: number, host = 'a') => sourceId(Buffer.from(instanceKey(host, 'p', instance, 2)), host)

    test('waits for the one that has not begun, even at its own end', () => {
      const sources = new WatermarkSources()
      sources.set(id(0), mark('a', 5_000))
      sources.set(id(0), mark('a', 9_000, true))
      expect(sources.progress()).toEqual({ time: 5_000, nanos: 0, final: false })
      expect(sources.progressWith(id(1), mark('a', 6_000))).toEqual({ time: 6_000, nanos: 0, final: false })
      sources.set(id(1), mark('a', 9_000, true))
      expect(sources.progress()).toEqual({ time: 9_000, nanos: 0, final: true })
    })

    test('waits for the one that has not heard of a host that came back; not the other way round', () => {
      const sources = new WatermarkSources()
      for (const instance of [0, 1]) sources.set(id(instance), mark('a', 9_000, true))
      sources.set(id(0), mark('a', 20_000))
      sources.set(id(0), mark('a', 30_000, true))
      expect(sources.progress()).toEqual({ time: 20_000, nanos: 0, final: false })
      sources.set(id(1), mark('a', 20_000))
      sources.set(id(1), mark('a', 30_000, true))
      expect(sources.progress()).toEqual({ time: 30_000, nanos: 0, final: true })
    })

    test('is not lost while its host is known further', () => {
      const sources = new WatermarkSources()
      for (const instance of [0, 1]) sources.set(id(instance), mark('a', 1_000))
      sources.set(id(0), mark('a', 2_000 + lostSourceMs * 1000))
      expect(sources.progress()?.time).toBe(1_000)
      sources.set(id(0, 'b'), mark('b', 3_000 + 2 * lostSourceMs * 1000))
      expect(sources.progress()?.time).toBe(3_000 + 2 * lostSourceMs * 1000)
    })
  })

  test('a host lost without an end holds the others back only for so long', () => {
    const far = 1_000 + lostSourceMs * 1000
    expect(
      slowest([
        { time: 1_000, nanos: 0, final: false },
        { time: far, nanos: 0, final: false },
      ])?.time,
    ).toBe(1_000)
    expect(
      slowest([
        { time: 1_000, nanos: 0, final: false },
        { time: far + 1, nanos: 0, final: false },
      ])?.time,
    ).toBe(far + 1)
  })

  test('survive a checkpoint', () => {
    const sources = new WatermarkSources()
    sources.set('1', mark('a', 5_000))
    sources.set('2', mark('b', 6_000, true))
    const restored = new WatermarkSources()
    restored.restore(JSON.parse(JSON.stringify(sources.save())))
    expect(restored.progress()).toEqual(sources.progress())
    expect(restored.hosts()).toEqual(
      new Map([
        ['a', boot],
        ['b', boot],
      ]),
    )
  })

  test('nothing later than a watermark has an earlier millisecond; an end leaves its own behind', () => {
    expect(floorOf({ time: 5_999, nanos: 0, final: false })).toBe(5)
    expect(floorOf({ time: 5_999, nanos: 0, final: true })).toBe(6)
  })
})
