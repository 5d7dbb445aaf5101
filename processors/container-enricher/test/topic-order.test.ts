import type { TopicName } from '@syscribe/schemas'
import fc from 'fast-check'
import pino from 'pino'
import { expect, test } from 'vitest'
import { Metrics } from '../../../runtime/src/metrics.js'
import { ProcessorStage } from '../../../runtime/src/processor-stage.js'
import { ReadableSchemas } from '../../../runtime/src/readable-schema.js'
import { defaultPolicy } from '../../../runtime/src/stage.js'
import type { Given } from '../../../runtime/test/run-processor.js'
import { Appender, linesOf, testLog } from '../../../runtime/test/test-log.js'
import { containerEnricher } from '../src/index.js'
import * as shop from './compose-network.js'
import { connection, container, containerId, end, exited, process, request, response } from './observed.js'

const topics = ['http', 'connections', 'processes', 'containers', 'names'] as const
type Action = (to: Appender) => Promise<void>
type History = Record<(typeof topics)[number], Action[]>

/** What each topic is appended, with a watermark now and then, which says no more than it may. */
function historyOf(given: readonly Given[], everyMs: number): History {
  const until = Math.max(...given.map(({ at }) => at)) + 30_000
  return Object.fromEntries(
    topics.map((topic) => {
      const records = given.filter((one) => one.topic === topic).sort((a, b) => a.at - b.at)
      const actions: Action[] = []
      for (let time = 0; time < until; time += everyMs) {
        for (const { at, kind, value } of records.filter((one) => one.at >= time && one.at < time + everyMs)) {
          actions.push((to) => to.records(topic as TopicName, [{ time: at, kind, value } as never]))
        }
        actions.push((to) => to.watermark(topic, time + everyMs, 'h'))
      }
      return [topic, [...actions, (to: Appender) => to.watermark(topic, until + everyMs, 'h', true)]]
    }),
  ) as History
}

/** Appends, rounds and crashes in the order that `choices` gives; returns the lines of `traffic`. */
async function trafficOf(history: History, choices: () => number): Promise<string[]> {
  const log = await testLog('memory')
  const appender = await Appender.open(log)
  const policy = { ...defaultPolicy, roundRecords: 1 + (choices() % 40), checkpointMs: (choices() % 2) * 5_000 }
  const logger = pino({ level: 'silent' })
  const context = { log, logger, metrics: new Metrics(), schemas: new ReadableSchemas(log), policy }
  const open = () => ProcessorStage.open(context, containerEnricher, 0)
  let stage = await open()
  const queues = topics.map((topic) => [...history[topic]])
  for (;;) {
    const left = queues.filter((queue) => queue.length > 0)
    if (left.length === 0) break
    const choice = choices() % (left.length * 4 + 2)
    if (choice < left.length * 4) {
      const queue = left[Math.floor(choice / 4)] as Action[]
      for (const action of queue.splice(0, 1 + (choices() % 8))) await action(appender)
    } else if (choice === left.length * 4) await stage.round()
    else {
      await stage.abandon()
      stage = await open()
    }
  }
  while ((await stage.round()) > 0);
  await stage.close()
  return linesOf(log, 'traffic')
}

/** What the shop does: each step one of a few things, at a time of its own. */
const step = fc.record({
  at: fc.integer({ min: 10, max: 15_000 }),
  what: fc.nat(9),
  id: fc.integer({ min: 1, max: 6 }),
})
const asIn = { client: 2, netns: shop.netns.api, clientAddress: '172.19.0.3' }
const doing: ((at: number, id: number) => Given)[] = [
  (at, id) => request(at, 'client', { id, ...asIn, serverAddress: '172.19.0.2', serverPort: 80 }, 'web'),
  (at, id) => response(at, 'client', { id, ...asIn, serverAddress: '172.19.0.2', serverPort: 80 }),
  (at, id) => request(at, 'server', { id, server: 1, clientAddress: '172.19.0.3', netns: shop.netns.web }, 'web'),
  (at, id) => connection(at, 'client', { id, ...asIn, serverAddress: '172.19.0.4', serverPort: 5432 }),
  (at, id) => end(at, 'client', { id, ...asIn, serverAddress: '172.19.0.4', serverPort: 5432 }),
  (at) => shop.db(at),
  (at, id) => container(at, `late-${id}`, { addresses: ['172.19.0.4'], from: (at - 500) * 1000 }),
  (at) => shop.web(at),
  (at, id) => process(at, 10 + id, { cgroup: `/docker/${containerId(`late-${id}`)}` }),
  (at, id) => exited(at, 10 + id),
]

test('traffic is the same whichever topic is appended and read faster, and whenever it was killed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 30 }),
      fc.infiniteStream(fc.nat(10_000)),
      async (steps, stream) => {
        const given = [...shop.project, shop.webProcess, shop.apiProcess]
        for (const { at, what, id } of steps) given.push((doing[what] as (typeof doing)[0])(at, id))
        const history = historyOf(given, 1000)
        const expected = await trafficOf(history, () => 0)
        expect(await trafficOf(history, () => stream.next().value as number)).toEqual(expected)
      },
    ),
    { numRuns: 25, interruptAfterTimeLimit: 60_000 },
  )
}, 240_000)

/** Every topic but one is there and read as far as it goes, before the first record of that one comes. */
async function delayed(history: History, late: (typeof topics)[number]): Promise<string[]> {
  const log = await testLog('memory')
  const appender = await Appender.open(log)
  const context = {
    log,
    logger: pino({ level: 'silent' }),
    metrics: new Metrics(),
    schemas: new ReadableSchemas(log),
    policy: defaultPolicy,
  }
  const stage = await ProcessorStage.open(context, containerEnricher, 0)
  const others = topics.filter((topic) => topic !== late)
  for (const topic of others) for (const action of history[topic]) await action(appender)
  while ((await stage.round()) > 0);
  expect((await linesOf(log, 'traffic')).filter((line) => !line.includes('"Watermark"'))).toEqual([])
  for (const action of history[late]) {
    await action(appender)
    while ((await stage.round()) > 0);
  }
  await stage.close()
  return linesOf(log, 'traffic')
}

test('containers that come many batches late give the same traffic', async () => {
  const known = { client: 2, server: 1, peer: true, serverAddress: '172.19.0.2', serverPort: 80 }
  const history = historyOf(
    [
      ...shop.project,
      shop.webProcess,
      shop.apiProcess,
      request(100, 'client', { ...asIn, ...known }, 'web'),
      response(110, 'client', { ...asIn, ...known }),
      connection(200, 'client', { id: 2, ...asIn, serverAddress: '172.19.0.4', serverPort: 5432 }),
      // The database is started anew under the same address while the connections go on.
      container(3000, 'shop-db-1', { from: 0, to: 3_000_000 }),
      container(4000, 'shop-db-2', { service: 'db2', addresses: ['172.19.0.4'] }),
      connection(5000, 'client', { id: 3, ...asIn, serverAddress: '172.19.0.4', serverPort: 5432 }),
    ],
    500,
  )
  const expected = await delayed(history, 'http')
  const named = expected.filter((line) => !line.includes('"Watermark"'))
  expect(
    named.map((line) => [.../"(?:client|server)":\{"name":"([^"]*)"/g[Symbol.matchAll](line)].map((one) => one[1])),
  ).toEqual([
    ['api', 'web'],
    ['api', 'web'],
    ['api', 'db'],
    ['api', 'db2'],
  ])
  expect(await delayed(history, 'containers')).toEqual(expected)
  expect(await delayed(history, 'processes')).toEqual(expected)
  expect(await delayed(history, 'connections')).toEqual(expected)
})
