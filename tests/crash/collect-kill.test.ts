import { setTimeout as pause } from 'node:timers/promises'
import { openKafkaLog } from '@syscribe/log'
import { ownBroker } from '@syscribe/test-broker'
import { expect, test } from 'vitest'
import { brokerForAll } from '../harness/broker.js'
import { caughtUp } from '../harness/cluster.js'
import { derive, expectSameOutputs } from '../harness/derive.js'
import { exchange } from '../harness/exchange.js'
import { run } from '../harness/program.js'
import { readRaw, writeRaw } from '../harness/raw-topics.js'
import { SyscribeProcess } from '../harness/syscribe-process.js'
import { TestBed } from '../harness/test-bed.js'
import { start as startRedis } from '../servers/redis.js'
import { byConnection, textOf } from './by-connection.js'
import { killPlan } from './kill-plan.js'
import { type Death, rawFaults } from './raw-faults.js'
import { seeded } from './seeded.js'
import { steadyClient } from './steady-client.js'

// The collector, every part behind it and the broker are killed in random combinations while real programs talk. The raw
// topics must hold each record once, and rounds whole; and what comes of them on the cluster must be what one
// uninterrupted embedded derivation makes of the same raw topics. KILL_SEED repeats the choices of a run.

const partitions = 2
const processors = ['http-parser', 'protocol-classifier', 'env-reader', 'container-enricher']
const projections = ['http-log', 'env-yaml', 'service-map']
const commands: Record<string, string[]> = {
  collector: ['collect'],
  parser: ['process', 'http-parser', 'container-enricher'],
  classifier: ['process', 'protocol-classifier', 'env-reader'],
  everything: ['process', 'all'],
  lines: ['project', 'http-log'],
  documents: ['project', 'env-yaml', 'service-map'],
}
const kills = { collector: 10, parser: 3, classifier: 3, everything: 3, lines: 3, documents: 3, broker: 3 }
const longestPauseMs = 8_000
/** What the kernel's clock may be from this process's. */
const clocksMs = 50

const bed = new TestBed('collect-kill')
const broker = brokerForAll(ownBroker)

test('collector, parts and broker killed at any time: raw records once, outputs as of one derivation', {
  timeout: 600_000,
}, async () => {
  const seed = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 2 ** 31))
  process.stdout.write(`KILL_SEED=${seed}\n`)
  const cluster = bed.outputs()
  const embedded = bed.outputs()
  const env = bed.onCluster(broker(), cluster, partitions)
  const parts = new Map(
    await Promise.all(
      Object.entries(commands).map(async ([name, args]) => [name, await bed.start(args, env)] as const),
    ),
  )
  bed.atEnd(() => Promise.all([...parts.values()].map((part) => part.kill9())))
  const redis = await startRedis()
  bed.atEnd(() => redis.stop())
  const echo = await bed.echo()
  const client = await steadyClient(bed, echo, redis, 1_500)
  const trickle = trickling(echo.port)
  bed.atEnd(() => trickle.stop())

  const deaths: Death[] = []
  const restarts = new Set<Promise<void>>()
  const kill = async (name: string) => {
    if (name === 'broker') {
      await Promise.all(restarts)
      await broker().kill9()
      const restart = broker().restart()
      restart.catch(() => {})
      restarts.add(restart)
      return
    }
    const part = parts.get(name) as SyscribeProcess
    if (!part.running) {
      // Who starts while no broker answers says so and ends: as a service it is started again.
      if (!/^syscribe: .*the brokers cannot be reached/m.test(part.stderr)) {
        throw new Error(`syscribe ${part.args.join(' ')} ended by itself:\n${part.stderr}`)
      }
    }
    const from = (Date.now() - clocksMs) * 1000
    await part.kill9()
    if (name === 'collector') deaths.push({ from, to: (Date.now() + clocksMs) * 1000 })
    parts.set(name, new SyscribeProcess(part.args, env))
  }
  for (const { pauseMs, victims } of killPlan(kills, longestPauseMs, seeded(seed))) {
    await pause(pauseMs)
    // A program that lives and dies meanwhile, too.
    const curl = run({
      command: 'curl',
      args: ['-s', '-d', `after ${pauseMs}`, `http://127.0.0.1:${echo.port}/echo/short`],
      env: { ...bed.environment('short'), KILLED: victims.map(({ name }) => name).join() },
    })
    for (const { name, afterMs } of victims) {
      await pause(afterMs)
      await kill(name)
    }
    await curl
  }
  await Promise.all(restarts)
  for (const [name, part] of parts) if (!part.running) await kill(name)
  await Promise.all([...parts.values()].map((part) => part.ready()))

  expect(await client.stop()).toBeGreaterThan(200)
  await trickle.stop()
  const collector = parts.get('collector') as SyscribeProcess
  expect(await collector.stop(), collector.stderr).toBe(0)
  parts.delete('collector')
  const others = [...parts.values()]
  const status = await caughtUp(env, [...processors, ...projections], others)
  for (const part of others) expect(await part.stop(), part.stderr).toBe(0)
  expect(status.hosts).toEqual([expect.objectContaining({ ended: true, spoolBytes: 0 })])

  const log = await openKafkaLog({ brokers: broker().brokers, prefix: env.KAFKA_TOPIC_PREFIX as string })
  bed.atEnd(() => log.close())
  const raw = await readRaw(log)
  expect(rawFaults(raw, deaths)).toEqual({ twice: [], halves: [], gaps: [], losses: [] })

  await writeRaw(embedded.dataDir, raw, partitions)
  await derive(embedded.dataDir, embedded)
  expect(cluster.lines().map(textOf).sort()).toEqual(embedded.lines().map(textOf).sort())
  expect(byConnection(cluster.lines())).toEqual(byConnection(embedded.lines()))
  expectSameOutputs(cluster, embedded, ['envYaml', 'serviceMap'])
  // The comparison is of something.
  expect(deaths).toHaveLength(kills.collector)
  expect(embedded.lines().length).toBeGreaterThan(1000)
})

/** Exchanges one after another, so that whenever the collector dies it has something to send. */
function trickling(port: number): { stop(): Promise<void> } {
  let going = true
  const done = (async () => {
    for (let n = 0; going; n++) {
      await exchange(port, `/echo/trickle/${n % 5}`, `${n}`)
      await pause(40)
    }
  })()
  done.catch(() => {})
  return {
    stop: () => {
      going = false
      return done
    },
  }
}
