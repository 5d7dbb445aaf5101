import { topicNames } from '@syscribe/schemas'
import { expect, test } from 'vitest'
import { topicSettings } from '../src/index.js'

test('every topic of the catalogue has settings; compacted ones are kept whole', () => {
  const settings = topicSettings({ retentionBytes: 100, retentionMs: 200, partitions: 4 })
  expect(settings.map(({ topic }) => topic)).toEqual(topicNames)
  expect(settings.find(({ topic }) => topic === 'syscalls')).toEqual({
    topic: 'syscalls',
    partitions: 4,
    cleanup: 'delete',
    retentionMs: 200,
    retentionBytes: 100,
  })
  expect(settings.find(({ topic }) => topic === 'processes')).toMatchObject({
    cleanup: 'compact',
    retentionMs: null,
    retentionBytes: null,
  })
  for (const one of ['dead-letters', 'control']) {
    expect(settings.find(({ topic }) => topic === one)?.partitions).toBe(1)
  }
})
