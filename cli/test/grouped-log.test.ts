import { BatchBuilder, createMemoryLog, type Log } from '@syscribe/log'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { groupedLog } from '../src/cluster/grouped-log.js'

const settings = { partitions: 1, cleanup: 'compact' as const, retentionMs: null, retentionBytes: null }
let log: Log
beforeEach(async () => {
  log = createMemoryLog()
  await log.createTopics([{ topic: 'http', ...settings }])
})
afterEach(() => log.close())

const batch = (text: string) => {
  const builder = new BatchBuilder(0, 64)
  builder.append({ timestamp: 1, key: Buffer.from('k'), value: Buffer.from(text) })
  return builder.take()
}

async function read(from: Log, topic: string): Promise<string[]> {
  const reader = await from.reader()
  await reader.assign([{ topic, partition: 0, offset: 'earliest' }])
  const fetched = await reader.poll()
  await reader.close()
  expect(fetched.map((one) => one.topic)).toEqual(fetched.map(() => topic))
  return fetched.flatMap((one) => [...one.batch].map(({ value }) => `${value}`))
}

test('two groups share topics, and keep offsets, transactions and state to themselves', async () => {
  const [one, two] = [groupedLog(log, 'one'), groupedLog(log, 'two')]
  for (const group of [one, two]) await group.createTopics([{ topic: 'p.state', ...settings }])
  const first = await one.producer({ transactionalId: 'p' })
  const second = await two.producer({ transactionalId: 'p' })
  const commit = (text: string) => ({
    group: 'p',
    batches: [
      { topic: 'http', partition: 0, batch: batch(text) },
      { topic: 'p.state', partition: 0, batch: batch(text) },
    ],
    offsets: [{ topic: 'http', partition: 0, offset: text.length, metadata: text }],
  })
  await second.commit(commit('second'))
  await first.commit(commit('first'))

  expect(await read(one, 'http')).toEqual(['second', 'first'])
  expect([await read(one, 'p.state'), await read(two, 'p.state')]).toEqual([['first'], ['second']])
  expect(await one.committed('p')).toEqual([{ topic: 'http', partition: 0, offset: 5, metadata: 'first' }])
  expect(await second.committed('p')).toEqual([{ topic: 'http', partition: 0, offset: 6, metadata: 'second' }])
  expect((await two.describeTopics()).map(({ topic }) => topic).sort()).toEqual(['http', 'p.state'])
  expect(await log.committed('p')).toEqual([])
  await one.deleteTopic('p.state')
  expect((await log.describeTopics()).map(({ topic }) => topic).sort()).toEqual(['http', 'two.p.state'])
})

test('members of different groups do not share partitions', async () => {
  const assigned: string[] = []
  const join = (group: Log, name: string) =>
    group.groupMember({
      group: 'p',
      topics: ['http'],
      onAssignment: async (places) => {
        assigned.push(`${name} ${places.map(({ topic }) => topic)}`)
      },
    })
  const members = [await join(groupedLog(log, 'one'), 'one'), await join(groupedLog(log, 'two'), 'two')]
  expect(assigned).toEqual(['one http', 'two http'])
  for (const member of members) await member.close()
})
