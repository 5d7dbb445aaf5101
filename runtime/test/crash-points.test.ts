import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Log, LogError } from '@syscribe/log'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { type AnyProcessor, createPipeline } from '../src/index.js'
import { faultyLog } from './faulty-log.js'
import { Appender, type Engine, linesOf, testFolder, testLog, useKafka } from './test-log.js'
import { joiner, liner } from './test-parts.js'

const logger = pino({ level: 'silent' })
const settings = { rawPayload: true }
/** Small rounds, and checkpoints apart from commits: many points between many commits. */
const policy = { aheadBytes: 200, roundRecords: 3, checkpointMs: 0, commitMs: 0 }

/** Of two hosts, where the second is 25 ms behind, in its clock and in what has arrived of it. */
async function recordedLog(engine: Engine, hosts: readonly string[]): Promise<Log> {
  const log = await testLog(engine)
  const appender = await Appender.open(log)
  for (const host of [...hosts].reverse()) {
    for (const topic of ['processes', 'syscalls'] as const)
      await appender.watermark(topic, host === 'b' ? 975 : 990, host)
  }
  for (let index = 0; index < 6; index++) {
    for (const host of hosts) {
      const time = (host === 'b' ? 975 : 1000) + index * 10
      if (index % 3 === 0) await appender.exits([[time, 50 + index]], 0, host)
      const losses = [
        [time, 7],
        [time + 1, 9 + index],
      ] as const
      await appender.losses(losses, 0, 'k', host)
      await appender.watermark('processes', time + 5, host, index === 5)
      await appender.watermark('syscalls', time + 5, host, index === 5)
    }
  }
  return log
}

/** Says nothing at watermarks: many a round has no other output, and they go without a transaction where they may. */
function quietJoiner(): AnyProcessor {
  const whole = joiner()
  const create = () => {
    const { step } = whole.create()
    return { step }
  }
  return { ...whole, create } as AnyProcessor
}

/** Runs the parts over the log until they have everything, or die. */
async function run(
  log: Log,
  target: string,
  hook: (point: string) => void,
  { checkpointMs, alone }: { checkpointMs: number; alone: boolean },
): Promise<void> {
  const pipeline = await createPipeline({
    log,
    processors: [alone ? quietJoiner() : joiner()],
    projections: [{ projection: liner(hook), target, settings }],
    logger,
    policy: { ...policy, checkpointMs, watermarksAlone: alone, outputSpacingMs: 0 },
  })
  try {
    await pipeline.drain()
  } finally {
    await pipeline.close()
  }
}

async function resultOf(log: Log, target: string, { alone }: { alone: boolean }) {
  const names = await linesOf(log, 'names')
  return {
    // A watermark that went without a transaction may be said again.
    names: alone ? names.filter((line, at) => !line.includes('"Watermark"') || names.indexOf(line) === at) : names,
    file: readFileSync(target, 'utf8'),
    letters: await linesOf(log, 'dead-letters'),
  }
}

const cases = [
  { checkpointMs: 0, alone: false },
  { checkpointMs: 1e9, alone: false },
  // A checkpoint every time leaves no watermark alone.
  { checkpointMs: 1e9, alone: true },
].flatMap((given) =>
  [['a'], ['a', 'b']].map((hosts) => ({
    engine: 'memory' as Engine,
    ...given,
    hosts,
    deaths: Number.POSITIVE_INFINITY,
  })),
)
// A death costs a second and more there: some points, others every time.
cases.push({ engine: 'kafka', checkpointMs: 1e9, alone: true, hosts: ['a', 'b'], deaths: 8 })

useKafka()

describe.each(cases)('$engine, a checkpoint every $checkpointMs ms, watermarks alone $alone, hosts $hosts', (given) => {
  const { engine, hosts, deaths } = given

  /** What a run leaves that nothing disturbs, and how many points it has. */
  async function undisturbed() {
    const target = join(testFolder(), 'lines')
    const whole = await recordedLog('memory', hosts)
    let points = 0
    const count = () => void points++
    await run(faultyLog(whole, count), target, count, given)
    return { points, expected: await resultOf(whole, target, given) }
  }

  test('death at any point, for good: the next run ends as if it had not been', async () => {
    const { points, expected } = await undisturbed()
    expect(expected.names.length).toBeGreaterThan(15)
    expect(points).toBeGreaterThan(100)

    const step = Math.max(1, points / deaths)
    for (let at = 0; at < points; at += step) {
      const fatal = Math.floor(at + (step - 1) * Math.random())
      const log = await recordedLog(engine, hosts)
      const crashed = join(testFolder(), `lines${fatal}`)
      let point = 0
      const die = () => {
        // From here on nothing of this process reaches the log or the file.
        if (point++ >= fatal) throw new LogError('closed', 'died')
      }
      await run(faultyLog(log, die), crashed, die, given).catch((error) => {
        if (!(error instanceof LogError) || error.message !== 'died') throw error
      })
      await run(log, crashed, () => {}, given)
      expect(await resultOf(log, crashed, given), `after death at point ${fatal}`).toEqual(expected)
    }
  }, 300_000)

  test('a passing fault at any point: the part begins again by itself', async () => {
    const { points, expected } = await undisturbed()
    let recovered = 0
    const step = Math.max(7, Math.floor((2 * points) / deaths))
    for (let faulty = 40; faulty < points; faulty += step) {
      const log = await recordedLog(engine, hosts)
      const target = join(testFolder(), `lines${faulty}`)
      let point = 0
      const fail = () => {
        if (point++ === faulty) throw new Error('a passing fault')
      }
      try {
        await run(faultyLog(log, fail), target, fail, given)
        recovered++
      } catch {
        // At the very start or end it ends the run, as a death would.
        await run(log, target, () => {}, given)
      }
      expect(await resultOf(log, target, given), `after a fault at point ${faulty}`).toEqual(expected)
    }
    expect(recovered).toBeGreaterThan(engine === 'kafka' ? 1 : 5)
  }, 300_000)
})
