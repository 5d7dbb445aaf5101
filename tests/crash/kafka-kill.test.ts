import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { type Log, openEmbeddedLog, openKafkaLog, type PartitionBatch } from '@syscribe/log'
import { topicSettings } from '@syscribe/runtime'
import { testBroker } from '@syscribe/test-broker'
import { expect, test } from 'vitest'
import { withSchemas } from '../bench/measure/another-host.js'
import { brokerForAll } from '../harness/broker.js'
import { caughtUp, clusterEnvironment } from '../harness/cluster.js'
import { derive, expectSameOutputs } from '../harness/derive.js'
import { SyscribeProcess } from '../harness/syscribe-process.js'
import { TestBed } from '../harness/test-bed.js'
import { byConnection, textOf } from './by-connection.js'
import { rawRounds } from './raw-hosts.js'
import { seeded } from './seeded.js'

// Every part its own process on a real broker, killed in random combinations, a hundred times, while a recorded raw log
// comes in. What they then leave must be what one uninterrupted embedded derivation makes of the same raw log.
// KILL_SEED repeats the choices of a run.

const kills = 100
const hosts = 12
const rounds = 200
const partitions = 3
/** All is in the topics so many kills before the last: what ends the hosts is derived under kills, too. */
const killsAfterFeeding = 12

const processors = ['http-parser', 'protocol-classifier', 'env-reader', 'container-enricher']
const projections = ['http-log', 'env-yaml', 'service-map']
const commands = [
  ...[...processors, 'http-parser', 'container-enricher'].map((name) => ['process', name]),
  ...projections.map((name) => ['project', name]),
]

const bed = new TestBed('kafka-kill')
const broker = brokerForAll(testBroker)

test(`killed ${kills} times, parts on a cluster leave what one derivation leaves`, { timeout: 720_000 }, async () => {
  const seed = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 2 ** 31))
  process.stdout.write(`KILL_SEED=${seed}\n`)
  const random = seeded(seed)
  const cluster = bed.outputs()
  const embedded = bed.outputs()
  const { brokers } = broker()
  const env: Record<string, string> = {
    ...clusterEnvironment(brokers, partitions),
    ...cluster.environment,
    // The recording may be older than what is kept otherwise.
    SYSCRIBE_RETENTION_HOURS: '0',
    SYSCRIBE_RETENTION_BYTES: '0',
  }
  const log = await openKafkaLog({ brokers, prefix: env.KAFKA_TOPIC_PREFIX as string })
  bed.atEnd(() => log.close())
  await log.createTopics(topicSettings({ ...keptForEver, partitions }))

  const parts: SyscribeProcess[] = []
  bed.atEnd(() => Promise.all(parts.map((part) => part.kill9())))
  for (const args of commands) parts.push(await bed.start(args, env))

  /** Whether the last of each has said that it is ready, or has ended. */
  const started: Promise<unknown>[] = []
  let killed = 0
  const feeding = feed(log, await rawRounds({ hosts, partitions, rounds }), async (share) => {
    while (killed < share * (kills - killsAfterFeeding)) await pause(100)
  })
  // Waited for below; until then a failure must not end the test process.
  feeding.catch(() => {})
  while (killed < kills) {
    // From kills that hit what has just started to pauses in which the work of the dead is taken over.
    await pause(500 + random() ** 2 * 20_000)
    const victims = commands.map((_, index) => index).filter(() => random() < 0.6)
    for (const index of victims.slice(0, kills - killed)) {
      const part = parts[index] as SyscribeProcess
      if (!part.running) throw new Error(`syscribe ${part.args.join(' ')} ended by itself:\n${part.stderr}`)
      await part.kill9()
      killed++
      const next = new SyscribeProcess(part.args, env)
      parts[index] = next
      started[index] = Promise.race([once(next.child.stdout as Readable, 'data'), once(next.child, 'exit')])
    }
  }
  await feeding
  await Promise.all(started)
  const status = await caughtUp(env, [...processors, ...projections], parts)
  const codes = await Promise.all(parts.map((part) => part.stop()))
  expect(codes, parts.map(({ stderr }) => stderr).join('')).toEqual(commands.map(() => 0))
  expect(status.parts.map(({ errors }) => errors)).toEqual(status.parts.map(() => 0))

  const whole = await openEmbeddedLog({ path: embedded.dataDir })
  await whole.createTopics(topicSettings({ ...keptForEver, partitions: 1 }))
  await feed(whole, await rawRounds({ hosts, partitions: 1, rounds }), async () => {})
  await whole.close()
  await derive(embedded.dataDir, embedded)

  expect(cluster.lines().map(textOf).sort()).toEqual(embedded.lines().map(textOf).sort())
  expect(byConnection(cluster.lines())).toEqual(byConnection(embedded.lines()))
  expectSameOutputs(cluster, embedded, ['envYaml', 'serviceMap'])
  // The comparison is of something.
  expect(embedded.lines().length).toBeGreaterThan(100 * hosts)
  expect(embedded.documents().length).toBeGreaterThan(3 * hosts)
})

const keptForEver = { retentionBytes: null, retentionMs: null }

/** Appends round after round, each when `when` lets it: it gets the share that has been appended, 0 to 1. */
async function feed(
  log: Log,
  batches: readonly PartitionBatch[][],
  when: (share: number) => Promise<void>,
): Promise<void> {
  const producer = await log.producer()
  for (const [index, round] of batches.entries()) {
    await when(index / batches.length)
    await producer.append(await withSchemas(log, round))
  }
  await producer.close()
}
