import { type Log, LogError, openKafkaLog, type Producer } from '@syscribe/log'
import { type TestBroker, testBroker } from '@syscribe/test-broker'
import { CompressionTypes, ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { bundleChildren } from './bundle.js'
import { batchOf, expectFault, readAll, record, settings, values } from './contract/contract-log.js'
import { type Child, startChild } from './kafka/child.js'
import { randomPrefix } from './kafka/engine.js'

let broker: TestBroker
let children: Awaited<ReturnType<typeof bundleChildren>>
let log: Log
let prefix: string
const running: Child[] = []
beforeAll(async () => {
  broker = await testBroker()
  children = await bundleChildren('kafka-idle', 'kafka-zombie')
}, 300_000)
afterAll(async () => {
  await broker.stop()
  children.dispose()
})
beforeEach(async () => {
  prefix = randomPrefix()
  log = await openKafkaLog({ brokers: broker.brokers, prefix, maxMessageBytes: 1_048_588 })
  await log.createTopics([settings('in', { partitions: 2 }), settings('out')])
})
afterEach(async () => {
  for (const child of running.splice(0)) if (child.process.exitCode === null) await child.kill()
  for (const { topic } of await log.describeTopics()) await log.deleteTopic(topic)
  await log.close()
})

const out = (...texts: string[]) => ({ topic: 'out', partition: 0, batch: batchOf(texts.map((text) => record(text))) })
const at = (offset: number, metadata = '') => ({ topic: 'in', partition: 0, offset, metadata })

describe('transactions one after another', () => {
  /** The quickest of some, ms. The machine may be busy; what waits for kafkajs's timer takes 270 ms at best. */
  const quickest = async (producer: Producer, transaction: (turn: number) => Parameters<Producer['commit']>[0]) => {
    const times: number[] = []
    for (let turn = 0; turn < 40 || (turn < 400 && Math.min(...times) > 20); turn++) {
      const began = performance.now()
      await producer.commit(transaction(turn))
      times.push(performance.now() - began)
    }
    return { turns: times.length, time: Math.min(...times) }
  }

  it('take under 20 ms', async () => {
    const producer = await log.producer({ transactionalId: 'id' })
    const { turns, time } = await quickest(producer, (turn) => ({
      batches: [out(`${turn}`)],
      group: 'g',
      offsets: [at(turn)],
    }))
    expect(time).toBeLessThan(20)
    expect(await values(log, 'out')).toEqual(Array.from({ length: turns }, (_, turn) => `${turn}`))
  })

  it('may be of offsets alone', async () => {
    const producer = await log.producer({ transactionalId: 'id' })
    const { turns, time } = await quickest(producer, (turn) => ({ batches: [], group: 'g', offsets: [at(turn)] }))
    expect(time).toBeLessThan(20)
    expect(await log.committed('g')).toEqual([at(turns - 1)])
  })
})

it('a commit is seen at once: records to read, and offsets that do not change', async () => {
  const producer = await log.producer({ transactionalId: 'id' })
  for (let turn = 1; turn <= 30; turn++) {
    const batches = [out('a'), { ...out('b'), topic: 'in' }, { ...out('c'), topic: 'in', partition: 1 }]
    await producer.commit({ batches, group: 'g', offsets: [at(turn)] })
    const ends = await Promise.all([
      log.offsetForTime('out', 0, Date.now()),
      log.offsetForTime('in', 0, Date.now()),
      log.offsetForTime('in', 1, Date.now()),
    ])
    // Each has its record and its marker.
    expect(ends).toEqual([2 * turn, 2 * turn, 2 * turn])
  }
})

describe('a take-over', () => {
  it('never reads an offset that is still to change', async () => {
    for (let round = 1; round <= 25; round++) {
      const older = await log.producer({ transactionalId: 'id' })
      await older.commit({ batches: [out('before')], group: 'g', offsets: [at(round * 10)] })
      // Its next commit is under way while the other takes over, at a different moment each time.
      const late = older.commit({ batches: [out('late')], group: 'g', offsets: [at(round * 10 + 1)] }).then(
        () => true,
        (error: unknown) => {
          expect(error).toBeInstanceOf(LogError)
          expect(['fenced', 'unavailable']).toContain((error as LogError).code)
          return false
        },
      )
      await new Promise((resolve) => setTimeout(resolve, round % 8))
      const newer = await log.producer({ transactionalId: 'id' })
      const [read] = await newer.committed('g')
      if (await late) expect(read!.offset).toBe(round * 10 + 1)
      expect((await log.committed('g'))[0]).toEqual(read)
      await older.close()
      await newer.close()
    }
  }, 60_000)

  it('leaves a member that was asleep without its partitions and without its commit', async () => {
    const zombie = startChild(children.file('kafka-zombie'), broker.brokers[0]!, prefix)
    running.push(zombie)
    expect(await zombie.line()).toBe('has 2')
    zombie.process.kill('SIGSTOP')
    let held = 0
    const member = await log.groupMember({
      group: 'workers',
      topics: ['in'],
      onAssignment: async (assigned) => {
        held = assigned.length
      },
    })
    await vi.waitFor(() => expect(held).toBe(2), 30_000)
    const producer = await log.producer({ transactionalId: 'worker' })
    await producer.commit({ batches: [out('mine')], group: 'workers', offsets: [at(7)] })
    // It finds its order to commit when it wakes up, before it hears that it is out.
    zombie.process.stdin!.write('commit\n')
    zombie.process.kill('SIGCONT')
    const said = [await zombie.line(), await zombie.line()]
    expect(said).toContain('fenced')
    expect(said).toContain('has 0')
    expect(await values(log, 'out')).toEqual(['mine'])
    expect(await log.committed('workers')).toEqual([at(7)])
    // It is a member again, and gets its share.
    await vi.waitFor(() => expect(held).toBe(1), 30_000)
    await zombie.kill()
    await member.close()
  }, 90_000)
})

describe('batches above the limit of the broker', () => {
  const many = (count: number) => batchOf(Array.from({ length: count }, (_, index) => record(`${index}`.padEnd(1000))))

  it('are split, and offsets are told right', async () => {
    const producer = await log.producer()
    const bases = await producer.append([
      { topic: 'out', partition: 0, batch: many(2500) },
      out('then'),
      { topic: 'in', partition: 1, batch: many(1200) },
    ])
    expect(bases).toEqual([0, 2500, 0])
    const read = await readAll(log, 'out')
    expect(read.map(({ offset }) => offset)).toEqual(Array.from({ length: 2501 }, (_, offset) => offset))
    expect(read.at(-2)!.value!.trim()).toBe('2499')
    expect(read.at(-1)!.value).toBe('then')
    expect(await readAll(log, 'in', 1)).toHaveLength(1200)
  })

  it('are split within one transaction', async () => {
    const producer = await log.producer({ transactionalId: 'id' })
    await producer.commit({
      batches: [{ topic: 'out', partition: 0, batch: many(2500) }],
      group: 'g',
      offsets: [at(1)],
    })
    expect(await readAll(log, 'out')).toHaveLength(2500)
  })

  it('that are one record are taken by topics as they are made by default', async () => {
    const roomy = await openKafkaLog({ brokers: broker.brokers, prefix })
    await roomy.createTopics([settings('roomy')])
    const producer = await roomy.producer({ transactionalId: 'id' })
    const batch = batchOf([record('x'.repeat(5_000_000))])
    await producer.commit({ batches: [{ topic: 'roomy', partition: 0, batch }], group: 'g', offsets: [] })
    expect((await values(roomy, 'roomy')).map((value) => value?.length)).toEqual([5_000_000])
    await roomy.close()
  })

  it('are refused when it is one record, and the producer goes on', async () => {
    const large = batchOf([record('x'.repeat(1_100_000))])
    const plain = await log.producer()
    const to = (batch: typeof large) => [{ topic: 'out', partition: 0, batch }]
    await expectFault(plain.append(to(large)), 'record_too_large', 'out', 'max.message.bytes')
    const producer = await log.producer({ transactionalId: 'id' })
    await expectFault(producer.commit({ batches: to(large), group: 'g', offsets: [] }), 'record_too_large', 'out')
    await producer.commit({ batches: [out('a')], group: 'g', offsets: [] })
    await plain.append([out('b')])
    expect(await values(log, 'out')).toEqual(['a', 'b'])
  })

  it('are told by what the topic takes now, where that has been lowered', async () => {
    const producer = await log.producer({ transactionalId: 'id' })
    const commit = (batch: ReturnType<typeof many>) =>
      producer.commit({ batches: [{ topic: 'out', partition: 0, batch }], group: 'g', offsets: [] })
    const limit = async () => (await log.describeTopics()).find(({ topic }) => topic === 'out')?.maxRecordBytes
    await commit(many(1))
    expect(await limit()).toBe(1_048_588 - 128)
    const admin = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const configEntries = [{ name: 'max.message.bytes', value: '20000' }]
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: `${prefix}out`, configEntries }]
    await admin.alterConfigs({ validateOnly: false, resources })
    await admin.disconnect()
    // The broker that leads the topic hears of it a moment later.
    const refused = async () => (await commit(batchOf([record('x'.repeat(30_000))])).catch((error) => error))?.code
    await vi.waitFor(async () => expect(await refused()).toBe('record_too_large'), 30_000)
    expect(await limit()).toBe(20_000 - 128)
    await commit(many(100))
    expect((await values(log, 'out')).slice(-100).map((value) => value?.trim())).toEqual(
      Array.from({ length: 100 }, (_, index) => `${index}`),
    )
  })
})

it('an idle processor uses under 1 % of a core, and ends when it is closed', async () => {
  const child = startChild(children.file('kafka-idle'), broker.brokers[0]!, prefix, 'in')
  running.push(child)
  const costs: number[] = []
  for (let round = 0; round < 3; round++) costs.push(Number((await child.line()).split(' ')[1]))
  // Of 3000 ms; the best of three, for the machine may be busy.
  expect(Math.min(...costs)).toBeLessThan(30)
  expect(await child.line()).toBe('closed')
  expect(await child.exit()).toBe(0)
}, 60_000)

describe('readers', () => {
  it('pass the markers of transactions and what was aborted', async () => {
    const producer = await log.producer({ transactionalId: 'id' })
    await producer.commit({ batches: [out('a')], group: 'g', offsets: [] })
    const kafka = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING })
    const theirs = kafka.producer({ transactionalId: `${prefix}theirs`, maxInFlightRequests: 1, idempotent: true })
    await theirs.connect()
    const transaction = await theirs.transaction()
    await transaction.send({ topic: `${prefix}out`, messages: [{ value: 'aborted' }] })
    await transaction.abort()
    await theirs.disconnect()
    const { end } = (await log.describeTopics()).find(({ topic }) => topic === 'out')!.offsets[0]!
    expect(end).toBe(4)
    const reader = await log.reader()
    await reader.assign([{ topic: 'out', partition: 0, offset: 0 }])
    let next = 0
    const seen: string[] = []
    while (next < end) {
      for (const { batch, nextOffset } of await reader.poll({ waitMs: 5000 })) {
        for (const { value } of batch) seen.push(value!.toString())
        next = nextOffset
      }
    }
    expect(seen).toEqual(['a'])
    // Nothing but a marker: a batch without a record says where to go on.
    await reader.assign([{ topic: 'out', partition: 0, offset: 3 }])
    const [fetched] = await reader.poll({ waitMs: 5000 })
    expect(fetched).toMatchObject({ nextOffset: 4 })
    expect([...fetched!.batch]).toEqual([])
  })

  it('read what other clients have compressed by gzip', async () => {
    const kafka = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING })
    const theirs = kafka.producer()
    await theirs.connect()
    const messages = Array.from({ length: 100 }, (_, index) => ({ value: `message ${index}` }))
    await theirs.send({ topic: `${prefix}out`, compression: CompressionTypes.GZIP, messages })
    await theirs.disconnect()
    expect(await values(log, 'out')).toEqual(messages.map(({ value }) => value))
  })

  it('read what was sent compressed', async () => {
    const packing = await openKafkaLog({ brokers: broker.brokers, prefix, gzip: true })
    const producer = await packing.producer()
    await producer.append([out(...Array.from({ length: 1000 }, () => 'x'.repeat(100)))])
    expect(await values(log, 'out')).toHaveLength(1000)
    const { bytes } = (await log.describeTopics()).find(({ topic }) => topic === 'out')!.offsets[0]!
    expect(bytes).toBeLessThan(20_000)
    await packing.close()
  })
})

it('metadata too long for a broker is kept, moves with its offset and goes with its group', async () => {
  const producer = await log.producer({ transactionalId: 'id' })
  const long = (letter: string) => letter.repeat(10_000)
  const both = [at(1, long('a')), { ...at(2, long('b')), partition: 1 }]
  await producer.commit({ batches: [out('x')], group: 'g', offsets: both })
  expect(await producer.committed('g')).toEqual(both)
  await producer.commit({ batches: [], group: 'g', offsets: [at(3, '@>0')] })
  expect(await log.committed('g')).toEqual([at(3, '@>0'), both[1]])
  expect((await log.describeTopics()).map(({ topic }) => topic).sort()).toEqual(['in', 'out'])
  await log.deleteGroup('g')
  expect(await log.committed('g')).toEqual([])
})

it('a topic of another making is told apart by name and setting', async () => {
  const admin = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: `${prefix}made`, numPartitions: 3 }] })
  await admin.disconnect()
  const wanted = settings('made', { partitions: 3, cleanup: 'compact' })
  await expectFault(log.createTopics([wanted]), 'topic_mismatch', 'made', 'cleanup', 'delete')
  await expectFault(log.createTopics([settings('schemas')]), 'invalid', 'schemas')
})

it('what cannot work is said', async () => {
  await expectFault(openKafkaLog({ brokers: ['127.0.0.1:1'], operationTimeoutMs: 500 }), 'unavailable', '127.0.0.1:1')
  await expectFault(openKafkaLog({ brokers: ['no port'] }), 'invalid', 'no port', 'HOST:PORT')
  const sasl = { mechanism: 'plain', username: 'u', password: 'p' } as const
  await expectFault(openKafkaLog({ brokers: broker.brokers, sasl, operationTimeoutMs: 2000 }), 'unavailable', 'SASL')
  await expectFault(openKafkaLog({ brokers: broker.brokers, tls: true, operationTimeoutMs: 1000 }), 'unavailable')
}, 60_000)
