import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BatchBuilder, type Log, openKafkaLog } from '@syscribe/log'
import { blankRecord, type PartialRecord, TopicCodec } from '@syscribe/schemas'
import { testBroker } from '@syscribe/test-broker'
import { expect, test } from 'vitest'
import { endings } from '../harness/at-end.js'
import { brokerForAll } from '../harness/broker.js'
import { clusterEnvironment } from '../harness/cluster.js'
import { run } from '../harness/program.js'
import { SyscribeProcess, syscribeBin } from '../harness/syscribe-process.js'
import { until } from '../harness/until.js'

// What `syscribe new projection` writes, built, as a process of its own on real brokers. cli/test runs it on the embedded log.

const root = fileURLToPath(new URL('../../', import.meta.url))
const atEnd = endings()
const broker = brokerForAll(testBroker)

const codec = new TopicCodec('traffic')
const boot = Buffer.alloc(16, 1)
const process1 = { host: 'box', boot, pid: 1, processStart: 1 }

/** A call of a connection of its own, and how far that host has come, in both partitions. */
async function append(log: Log, number: number, path: string, ms: number): Promise<void> {
  const schemaId = await log.registerSchema('traffic', codec.schema)
  const at = 1_000_000 + number * 1000
  const batch = (...messages: PartialRecord<'HttpMessage'>[]) => {
    const builder = new BatchBuilder(schemaId)
    for (const message of messages) {
      const value = blankRecord('TrafficMessage', { server: { name: 'shop' }, message })
      builder.append({ timestamp: at, key: Buffer.from('c'), value: codec.encode('TrafficMessage', value) })
    }
    const watermark = blankRecord('Watermark', { time: (at + 999) * 1000, host: 'box', boot })
    const value = codec.encode('Watermark', watermark)
    builder.append({ timestamp: at + 999, key: Buffer.from('container-enricher/0/box'), value })
    return builder.take()
  }
  const connection = Buffer.alloc(8)
  connection.writeUInt32BE(number)
  const seen = { connection, role: 'client', process: process1, method: 'GET', url: path } as const
  const call = [
    { ...seen, kind: 'request', time: at * 1000 },
    { ...seen, kind: 'response', time: (at + ms) * 1000, status: 200 },
  ] as const
  const producer = await log.producer()
  await producer.append([
    { topic: 'traffic', partition: number % 2, batch: batch(...call) },
    { topic: 'traffic', partition: (number + 1) % 2, batch: batch() },
  ])
  await producer.close()
}

test('a projection of one’s own runs on a cluster, goes on after kill -9, and is replayed', {
  timeout: 240_000,
}, async () => {
  // Below the checkout's node_modules, where the packages it depends on are found, as they are in an installed package.
  const cache = join(root, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'syscribe-own-projection-'))
  atEnd(() => rmSync(folder, { recursive: true, force: true }))
  const { brokers } = broker()
  const env = clusterEnvironment(brokers)
  const syscribe = (...args: string[]) => run({ command: process.execPath, args: [syscribeBin, ...args], env })
  await syscribe('new', 'projection', 'slow-shops', '--into', folder)
  const project = join(folder, 'slow-shops')
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', project])
  await syscribe('topics', 'create')

  const log = await openKafkaLog({ brokers, prefix: env.KAFKA_TOPIC_PREFIX as string })
  atEnd(() => log.close())
  const target = join(folder, 'slowest.csv')
  const rows = () => readFileSync(target, 'utf8').split('\n').slice(1, -1)
  const expectRows = (...wanted: string[]) => {
    return until(
      `${target} has ${wanted}`,
      () => rows().join() === wanted.join(),
      () => part.stderr,
    )
  }
  const start = () => new SyscribeProcess(['project', project, '--target', target], env).ready()

  await append(log, 0, '/cart', 20)
  await append(log, 1, '/pay', 300)
  let part = await start()
  atEnd(() => part.kill9())
  await expectRows('"shop","GET","/pay",1,300.000,300.000', '"shop","GET","/cart",1,20.000,20.000')
  await part.kill9()

  await append(log, 2, '/cart?again', 40)
  part = await start()
  const all = ['"shop","GET","/pay",1,300.000,300.000', '"shop","GET","/cart",2,30.000,40.000']
  await expectRows(...all)

  await syscribe('replay', project)
  await expectRows(...all)
  await append(log, 3, '/pay', 100)
  await expectRows('"shop","GET","/pay",2,200.000,300.000', '"shop","GET","/cart",2,30.000,40.000')
  expect(await part.stop(), part.stderr).toBe(0)

  const beside = join(folder, 'beside.csv')
  await syscribe('replay', project, '--into', beside)
  expect(readFileSync(beside, 'utf8')).toBe(readFileSync(target, 'utf8'))
})
