import { expect, test } from 'vitest'
import { PendingNews } from '../../src/containers/pending-news.js'
import type { ContainerNews } from '../../src/publisher.js'

const host = { host: 'h', boot: Buffer.alloc(16), runtime: '', complete: false, netns: 0, addresses: [] }
const told = (time: { time: number; timeNanos: number }): ContainerNews => ({
  kind: 'ContainerHost',
  value: { ...host, ...time },
})

test('what is told late is not before what was said to be complete', () => {
  const news = new PendingNews()
  news.take(1_000)
  news.add(500, told)
  const { records, watermark } = news.take(2_000)
  expect(records.map(({ value }) => value.time)).toEqual([1_000])
  expect(watermark.time).toBe(2_000)
})

test('the last watermark is no earlier than the last record, or the end of capture', () => {
  const news = new PendingNews()
  news.take(1_000)
  news.add(2_500, told)
  const { records, watermark } = news.rest(2_000)
  expect(records.map(({ value }) => value.time)).toEqual([2_500])
  expect(watermark.time).toBe(2_500)
  expect(new PendingNews().rest(2_000).watermark.time).toBe(2_000)
})
