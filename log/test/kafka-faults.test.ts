import { setTimeout as sleep } from 'node:timers/promises'
import { type GroupMember, type Log, type LogError, openKafkaLog, type TopicPartition } from '@syscribe/log'
import { type OwnBroker, ownBroker } from '@syscribe/test-broker'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { batchOf, expectFault, readAll, record, settings, values } from './contract/contract-log.js'
import { randomPrefix } from './kafka/engine.js'

let broker: OwnBroker
let log: Log
let prefix: string
const opened: Log[] = []
beforeAll(async () => {
  broker = await ownBroker()
}, 300_000)
afterAll(() => broker.stop())
beforeEach(async () => {
  prefix = randomPrefix()
  log = await open()
  await log.createTopics([settings('in', { partitions: 4 }), settings('out')])
})
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

async function open(more: Partial<Parameters<typeof openKafkaLog>[0]> = {}): Promise<Log> {
  const one = await openKafkaLog({ brokers: broker.brokers, prefix, ...more })
  opened.push(one)
  return one
}

// Of now: a broker that starts again forgets producers whose last record is more than a day old.
const out = (...texts: string[]) => ({
  topic: 'out',
  partition: 0,
  batch: batchOf(texts.map((text) => record(text, null, Date.now()))),
})
const at = (offset: number) => ({ topic: 'in', partition: 0, offset, metadata: '' })
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `${from + index}`)

describe('a broker that is killed and comes back', () => {
  // However long that takes on a busy machine.
  beforeEach(async () => {
    log = await open({ operationTimeoutMs: 120_000 })
  })

  it('has every append once and in order, and readers and groups go on', async () => {
    const producer = await log.producer()
    const reader = await log.reader()
    await reader.assign([{ topic: 'out', partition: 0, offset: 'earliest' }])
    const shares: number[] = []
    const member = await log.groupMember({
      group: 'g',
      topics: ['in'],
      onAssignment: async (assigned) => void shares.push(assigned.length),
    })
    const seen: string[] = []
    let stop = false
    const appending = (async () => {
      let sent = 0
      for (; !stop; sent++) await producer.append([out(`${sent}`)])
      return sent
    })()
    const reading = (async () => {
      let done = false
      while (!done) {
        const fetched = await reader.poll({ waitMs: 200 })
        for (const { batch } of fetched) for (const { value } of batch) seen.push(value!.toString())
        done = stop && fetched.length === 0
      }
    })()
    for (let time = 0; time < 2; time++) {
      const before = seen.length
      await vi.waitFor(() => expect(seen.length).toBeGreaterThan(before + 20), 60_000)
      await broker.kill9()
      await broker.restart()
    }
    const before = seen.length
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(before + 20), 60_000)
    stop = true
    const sent = await appending
    await reading
    expect(await values(log, 'out')).toEqual(numbers(sent))
    expect(seen).toEqual(numbers(seen.length))
    // The group is as it was, and takes others in.
    const second: TopicPartition[][] = []
    const other = await log.groupMember({
      group: 'g',
      topics: ['in'],
      onAssignment: async (assigned) => void second.push([...assigned]),
    })
    await vi.waitFor(() => expect([shares.at(-1), second.at(-1)!.length]).toEqual([2, 2]), 30_000)
    await other.close()
    await member.close()
  }, 240_000)

  it('has whole transactions only, and a producer that is in doubt is replaced', async () => {
    let committed = 0
    let doubts = 0
    let stop = false
    const committing = (async () => {
      while (!stop) {
        const producer = await log.producer({ transactionalId: 'id' })
        try {
          // What is committed says where to go on: exactly once, whatever was in doubt.
          committed = (await producer.committed('g'))[0]?.offset ?? 0
          while (!stop) {
            const batches = [out(`${committed}`), { ...out(`${committed}`), topic: 'in' }]
            await producer.commit({ batches, group: 'g', offsets: [at(committed + 1)] })
            committed++
          }
        } catch (error) {
          expect((error as LogError).code).toBe('unavailable')
          doubts++
        }
        await producer.close()
      }
    })()
    // Short patience, so that there is doubt.
    const impatient = await open({ deliveryTimeoutMs: 1000 })
    let failures = 0
    const failing = (async () => {
      const producer = await impatient.producer({ transactionalId: 'other' })
      while (!stop) {
        const offsets = [{ ...at(1), partition: 1 }]
        await producer.commit({ batches: [], group: 'other', offsets }).catch(async (error: LogError) => {
          failures++
          expect(error.code).toBe('unavailable')
          await sleep(100)
        })
      }
    })()
    for (let time = 0; time < 3; time++) {
      const before = committed
      await vi.waitFor(() => expect(committed).toBeGreaterThan(before + 20), 60_000)
      await broker.kill9()
      await sleep(1500)
      await broker.restart()
    }
    const before = committed
    await vi.waitFor(() => expect(committed).toBeGreaterThan(before + 20), 60_000)
    stop = true
    await committing
    await failing
    expect(failures).toBeGreaterThan(0)
    expect(doubts).toBe(0)
    expect(await log.committed('g')).toEqual([at(committed)])
    for (const topic of ['out', 'in']) expect(await values(log, topic)).toEqual(numbers(committed))
  }, 180_000)

  it("may take its producers' sequence numbers with it", async () => {
    const producer = await log.producer()
    await producer.append([out('0')])
    await log.deleteTopic('out')
    await log.createTopics([settings('out')])
    await producer.append([out('1')])
    expect(await values(log, 'out')).toEqual(['1'])
  })
})

it('a broker that is gone for a minute: who waits goes on, who does not is told, and nothing is lost or twice', async () => {
  const producer = await log.producer()
  const transactional = await log.producer({ transactionalId: 'id' })
  const impatient = await open({ deliveryTimeoutMs: 3000 })
  const hasty = await impatient.producer()
  await producer.append([out('0')])
  await transactional.commit({ batches: [], group: 'g', offsets: [at(1)] })
  await hasty.append([{ ...out('hasty'), topic: 'in' }])
  const reader = await log.reader()
  await reader.assign([{ topic: 'out', partition: 0, offset: 'earliest' }])
  expect((await reader.poll({ waitMs: 5000 }))[0]!.nextOffset).toBe(1)

  await broker.kill9()
  const began = performance.now()
  const waiting = numbers(20, 1).map((text) => producer.append([out(text)]))
  const committing = transactional.commit({ batches: [out('c')], group: 'g', offsets: [at(2)] })
  await expectFault(hasty.append([{ ...out('never'), topic: 'in' }]), 'unavailable', 'in')
  expect(performance.now() - began).toBeLessThan(15_000)
  // A short absence is none of the reader's business; a long one is.
  const polls: string[] = []
  while (performance.now() - began < 60_000) {
    const polled = await reader.poll({ waitMs: 1000 }).then(
      () => 'nothing',
      (error: LogError) => error.code,
    )
    if (polls.at(-1) !== polled) polls.push(polled)
  }
  expect(polls).toEqual(['nothing', 'unavailable'])
  await expectFault(log.describeTopics(), 'unavailable')
  await broker.restart()

  await Promise.all(waiting)
  await committing
  await hasty.append([{ ...out('again'), topic: 'in' }])
  expect([...(await values(log, 'out'))].filter((value) => value !== 'c')).toEqual(numbers(21))
  expect(await values(log, 'in')).toEqual(['hasty', 'again'])
  expect(await log.committed('g')).toEqual([at(2)])
  const seen: string[] = []
  await vi.waitFor(async () => {
    for (const { batch } of await reader.poll({ waitMs: 1000 }))
      for (const { value } of batch) seen.push(value!.toString())
    expect(seen.filter((value) => value !== 'c')).toEqual(numbers(20, 1))
  }, 60_000)
}, 240_000)

it('a broker that hangs is given up on, and found again', async () => {
  const quick = await open({ requestTimeoutMs: 1000, operationTimeoutMs: 3000 })
  const producer = await quick.producer()
  await producer.append([out('0')])
  const closing = await open()
  broker.pause()
  try {
    const pending = producer.append([out('1')])
    await expectFault(quick.describeTopics(), 'unavailable')
    // Closing does not wait for its answers.
    const cut = (await closing.producer())
      .append([{ ...out('cut'), topic: 'in' }])
      .catch((error: LogError) => error.code)
    const began = performance.now()
    await closing.close()
    expect(performance.now() - began).toBeLessThan(10_000)
    expect(await cut).toBe('closed')
    broker.resume()
    await pending
  } finally {
    broker.resume()
  }
  expect(await values(log, 'out')).toEqual(['0', '1'])
}, 90_000)

it('a rebalance in the middle of a batch: work on what is lost ends before another has it', async () => {
  const held = new Map<number, string>()
  const faults: string[] = []
  const members = new Map<string, GroupMember>()
  const join = async (name: string) => {
    let own = new Set<number>()
    let busy = Promise.resolve()
    const member = await log.groupMember({
      group: 'g',
      topics: ['in'],
      onAssignment: async (assigned) => {
        const next = new Set(assigned.map(({ partition }) => partition))
        // A batch that was begun is finished first, and that takes longer than a few heartbeats.
        await busy
        await sleep(1200)
        for (const partition of own) if (!next.has(partition)) held.delete(partition)
        for (const partition of next) {
          const holder = held.get(partition)
          if (holder !== undefined && holder !== name) faults.push(`${partition}: ${holder} and ${name}`)
          held.set(partition, name)
        }
        own = next
        busy = sleep(300)
      },
    })
    members.set(name, member)
  }
  await join('a')
  await Promise.all([join('b'), join('c')])
  await vi.waitFor(() => {
    expect(held.size).toBe(4)
    expect(new Set(held.values()).size).toBe(3)
  }, 60_000)
  await members.get('b')!.close()
  for (const [partition, holder] of held) if (holder === 'b') held.delete(partition)
  await vi.waitFor(() => {
    expect(held.size).toBe(4)
    expect(new Set(held.values()).size).toBe(2)
  }, 60_000)
  expect(faults).toEqual([])
  await members.get('a')!.close()
  await members.get('c')!.close()
}, 150_000)

it('a member that joins a group goes on while others are waited for, however often the broker is killed meanwhile', async () => {
  let release = () => {}
  const busy = new Promise<void>((resolve) => {
    release = resolve
  })
  let calls = 0
  const first = await log.groupMember({
    group: 'g',
    topics: ['in'],
    onAssignment: async () => {
      if (++calls > 1) await busy
    },
  })
  const second = await log.groupMember({ group: 'g', topics: ['in'], onAssignment: async () => {} })
  await vi.waitFor(() => expect(calls).toBe(2), 30_000)

  // Waits for the first, whose work on what it has lost does not end.
  const impatient = await open({ operationTimeoutMs: 20_000 })
  const shares: number[] = []
  const joining = impatient.groupMember({
    group: 'g',
    topics: ['in'],
    onAssignment: async (assigned) => void shares.push(assigned.length),
  })
  joining.catch(() => {})
  await sleep(1000)
  await broker.kill9()
  const began = performance.now()
  await broker.restart()
  // Longer than a silence may last: but it was none.
  await sleep(Math.max(0, began + 22_000 - performance.now()))
  await broker.kill9()
  await broker.restart()
  await sleep(1000)
  release()

  const third = await joining
  await vi.waitFor(() => expect(shares.at(-1)).toBeGreaterThan(0), 60_000)
  for (const member of [first, second, third]) await member.close()
}, 180_000)

it('a member whose assignment fails is put out, and its close says why', async () => {
  const joining = log.groupMember({
    group: 'g',
    topics: ['in'],
    onAssignment: async () => {
      throw new Error('cannot work')
    },
  })
  await expect(joining).rejects.toThrow('cannot work')
  let calls = 0
  const later = await log.groupMember({
    group: 'g',
    topics: ['in'],
    onAssignment: async () => {
      if (++calls > 1) throw new Error('cannot go on')
    },
  })
  const shares: number[] = []
  const other = await log.groupMember({
    group: 'g',
    topics: ['in'],
    onAssignment: async (assigned) => void shares.push(assigned.length),
  })
  await vi.waitFor(() => expect(shares.at(-1)).toBe(4), 30_000)
  await expect(later.close()).rejects.toThrow('cannot go on')
  await other.close()
  expect(await readAll(log, 'in')).toEqual([])
}, 60_000)
