import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createMemoryLog, type Log, LogError } from '@syscribe/log'
import type { ProjectionStanding } from '@syscribe/schemas'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { ControlTopic } from '../src/control-topic.js'
import {
  type AnyProcessor,
  type AnyProjectionTask,
  createPipeline,
  currentLog,
  type GenerationReplayOptions,
  type LiveOptions,
  type ProjectionReplayOptions,
  type ReplayProgress,
  type Running,
  replayGeneration,
  requestProjectionReplay,
  runLive,
  stateTopicName,
  topicSettings,
} from '../src/index.js'
import { faultyLog } from './faulty-log.js'
import { Appender, atEnd, linesOf, testFolder } from './test-log.js'
import { joiner, joiner2, liner, namer } from './test-parts.js'

const logger = pino({ level: 'silent' })
const settings = { rawPayload: true }
const policy = { aheadBytes: 2000, roundRecords: 20, commitMs: 5, replayCheckMs: 20 }
const live = { logger, policy, partitions: 'all' as const }
const waits = { graceMs: 50, silentMs: 2_000 }

async function testLog(): Promise<Log> {
  const log = createMemoryLog()
  atEnd(() => log.close())
  await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null }))
  return log
}

/** A process with one part, as far as a test in one process can have it. */
async function start(log: Log, parts: Partial<LiveOptions>): Promise<Running> {
  const running = await runLive({ ...live, log, processors: [], projections: [], ...parts })
  atEnd(() => running.close().catch(() => {}))
  return running
}
const processor = (log: Log, one: AnyProcessor) => start(log, { processors: [one] })
const projection = (log: Log, target: string) =>
  start(log, { projections: [{ projection: liner(), target, settings } as AnyProjectionTask] })

const replay2 = (log: Log, more: Partial<GenerationReplayOptions> = {}) =>
  replayGeneration({ ...live, ...waits, log, processors: [joiner2()], name: 'joiner', ...more })

class Source {
  #number = 0
  readonly #log: Log
  constructor(log: Log) {
    this.#log = log
  }
  async append(count: number): Promise<void> {
    const appender = await Appender.open(this.#log)
    for (let index = 0; index < count; index++) {
      const number = this.#number++
      const time = 1000 + number * 2
      if (number % 5 === 0) await appender.exits([[time, number]])
      await appender.losses([[time, number]])
    }
    for (const topic of ['processes', 'syscalls'] as const) await appender.watermark(topic, 1000 + this.#number * 2)
  }
}

/** What an undisturbed run makes of the same raw records. */
async function expected(log: Log, one: AnyProcessor): Promise<{ file: string; names: string[] }> {
  const own = await testLog()
  const producer = await own.producer()
  const reader = await log.reader()
  await reader.assign(['syscalls', 'processes'].map((topic) => ({ topic, partition: 0, offset: 'earliest' as const })))
  for (let fetched = await reader.poll(); fetched.length > 0; fetched = await reader.poll()) {
    for (const { topic, batch } of fetched) {
      await producer.append([{ topic, partition: 0, batch: Object.assign(batch, { schemaId: 0 }) }])
    }
  }
  const target = join(testFolder(), 'expected')
  const task = { projection: liner(), target, settings } as AnyProjectionTask
  const pipeline = await createPipeline({ log: own, processors: [one], projections: [task], logger, policy })
  await pipeline.drain()
  await pipeline.close()
  return { file: readFileSync(target, 'utf8'), names: await linesOf(own, 'names') }
}

async function topicsOf(log: Log): Promise<string[]> {
  return (await log.describeTopics())
    .map(({ topic }) => topic)
    .filter((topic) => /names|joiner|liner/.test(topic))
    .sort()
}

const ask = (log: Log, more: Partial<ProjectionReplayOptions> = {}) =>
  requestProjectionReplay({ log, logger, projection: 'liner', silentMs: 2_000, ...more })

/** Live processes of the joiner and the liner, with everything taken. */
async function system(log: Log, records = 100) {
  const source = new Source(log)
  const target = join(testFolder(), 'lines')
  await source.append(records)
  const joining = await processor(log, joiner() as AnyProcessor)
  const lining = await projection(log, target)
  await joining.drain()
  await lining.drain()
  return { source, target, joining, lining }
}

/** Nobody runs the processor any longer: all of it is taken in by a process of the new version, and by the projection. */
async function outputs(log: Log, target: string, lining: Running | null) {
  const joining = await processor(log, joiner2())
  await joining.drain()
  const lines = lining ?? (await projection(log, target))
  await lines.drain()
  await joining.close()
  await lines.close()
  return { file: readFileSync(target, 'utf8'), names: await linesOf(await currentLog(log, logger), 'names') }
}

/** Reads nothing of what the joiner writes. */
const other = { ...namer(), name: 'other', outputs: [{ topic: 'connections', partition: 'input' }] } as AnyProcessor

describe('a processor is replayed while its live process and a projection’s go on', () => {
  test('all move over to the new generation, and the old one goes', async () => {
    const log = await testLog()
    const { source, target, joining, lining } = await system(log)
    const before = readFileSync(target, 'utf8')
    expect(before).not.toContain('v2')
    await joining.close()
    const parser = await processor(log, joiner2())
    const seen: ReplayProgress[] = []
    const said: string[] = []
    const replay = replay2(log, {
      progress: (progress) => seen.push(progress),
      notice: (sentence) => said.push(sentence),
    })
    await source.append(100)
    await replay
    await source.append(20)
    await parser.drain()
    await lining.drain()
    const wanted = await expected(log, joiner2())
    expect(readFileSync(target, 'utf8')).toBe(wanted.file)
    expect(wanted.file.match(/v2/g)).toHaveLength(220)
    expect(await linesOf(await currentLog(log, logger), 'names')).toEqual(wanted.names)
    expect(await topicsOf(log)).toEqual(['joiner.2.state', 'names.2', stateTopicName('liner', target)].sort())
    expect(await log.committed('joiner')).toEqual([])
    expect(existsSync(`${target}.replay`)).toBe(false)
    expect(seen.length).toBeGreaterThan(1)
    for (const { records, of } of seen) expect(records).toBeLessThanOrEqual(of)
    expect(said).toEqual([])

    // The next one makes a third generation, beside the second.
    await replay2(log)
    expect(await topicsOf(log)).toEqual(['joiner.3.state', 'names.3', stateTopicName('liner', target)].sort())
    await source.append(20)
    await parser.drain()
    await lining.drain()
    expect(readFileSync(target, 'utf8')).toBe((await expected(log, joiner2())).file)
  })

  test('nothing is seen of it before all have caught up; a second call fences the first and goes on', async () => {
    const log = await testLog()
    const { target, joining, lining } = await system(log)
    const before = readFileSync(target, 'utf8')
    // A projection that has stood up and says no more keeps the first call waiting.
    const control = await ControlTopic.open(log, logger)
    atEnd(() => control.close())
    const own = [...control.state.standings.values()][0] as ProjectionStanding
    await control.stand({ ...own, part: 'mute@nowhere', target: 'nowhere' })
    const first = replay2(log, { silentMs: 60_000 })
    const fenced = expect(first).rejects.toMatchObject({ code: 'fenced' })
    const caughtUp = async () => {
      const { generations, standings } = control.state
      const round = generations.round
      return round !== null && [...standings.values()].some(({ build }) => build?.caughtUp === round)
    }
    while (!(await caughtUp())) await control.changed(100)
    expect(readFileSync(target, 'utf8')).toBe(before)
    expect(control.state.generations.current).toEqual([])
    await expect(replay2(log, { processors: [joiner2(), other], name: 'other' })).rejects.toThrow(
      'the replay of joiner has not ended',
    )
    const said: string[] = []
    await replay2(log, { silentMs: 300, notice: (sentence) => said.push(sentence) })
    await fenced
    expect(said).toEqual([expect.stringContaining('liner into nowhere')])
    await joining.close()
    expect(await outputs(log, target, lining)).toEqual(await expected(log, joiner2()))
  })

  test('a projection that was away builds from the new generation when it is started again', async () => {
    const log = await testLog()
    const { source, target, joining, lining } = await system(log)
    await lining.close()
    const before = readFileSync(target, 'utf8')
    const said: string[] = []
    await replay2(log, { notice: (sentence) => said.push(sentence) })
    expect(said).toEqual([expect.stringContaining('moves over when it is started again')])
    await source.append(10)
    await joining.close()
    expect(readFileSync(target, 'utf8')).toBe(before)
    expect(await outputs(log, target, null)).toEqual(await expected(log, joiner2()))
  })

  test('what it derives can be begun anew', async () => {
    const log = await testLog()
    const { target, joining, lining } = await system(log)
    const stop = new AbortController()
    const first = replay2(log, { signal: stop.signal, progress: () => stop.abort(new Error('enough')) })
    await expect(first).rejects.toThrow('enough')
    expect(await topicsOf(log)).toContain('names.2')
    await replay2(log, { anew: true })
    expect(await topicsOf(log)).toEqual(['joiner.3.state', 'names.3', stateTopicName('liner', target)].sort())
    await joining.close()
    expect(await outputs(log, target, lining)).toEqual(await expected(log, joiner2()))
  })

  test('it can be given up: what counts stays as it is', async () => {
    const log = await testLog()
    const { target, joining, lining } = await system(log)
    const before = readFileSync(target, 'utf8')
    const kept = await topicsOf(log)
    await expect(replay2(log, { cancel: true })).rejects.toThrow('no replay of joiner is under way')
    const stop = new AbortController()
    const interrupted = replay2(log, { signal: stop.signal, progress: () => stop.abort(new Error('enough')) })
    await expect(interrupted).rejects.toThrow('enough')
    await replay2(log, { cancel: true })
    // The projection lets go of what it has built when it hears of it.
    const deadline = performance.now() + 10_000
    while ((await topicsOf(log)).length > kept.length && performance.now() < deadline) await new Promise(setImmediate)
    expect(await topicsOf(log)).toEqual(kept)
    await joining.drain()
    await lining.drain()
    expect(readFileSync(target, 'utf8')).toBe(before)
    await replay2(log)
    await joining.close()
    expect(await outputs(log, target, lining)).toEqual(await expected(log, joiner2()))
  })

  test('brokers that are away for a moment are waited for', async () => {
    const log = await testLog()
    const { target, joining, lining } = await system(log)
    // Once it is under way: what it needs to begin, it says when it is not there.
    let begun = false
    const away = new Set(['before describeTopics', 'before deleteTopic', 'before deleteGroup'])
    const leaving = faultyLog(log, (point) => {
      if (begun && away.delete(point)) throw new LogError('unavailable', 'the brokers are away')
    })
    const said: string[] = []
    await replay2(leaving, {
      notice: (sentence) => said.push(sentence),
      progress: () => {
        begun = true
      },
    })
    expect(away.size).toBe(0)
    expect(said).toEqual(Array(said.length).fill('the brokers are away: the replay waits'))
    expect(said.length).toBe(3)
    expect(await topicsOf(log)).toEqual(['joiner.2.state', 'names.2', stateTopicName('liner', target)].sort())
    await joining.close()
    expect(await outputs(log, target, lining)).toEqual(await expected(log, joiner2()))
  })

  test('a processor that is not there cannot be replayed', async () => {
    await expect(replay2(await testLog(), { name: 'other' })).rejects.toMatchObject({ code: 'replay_invalid' })
  })
})

test('a live process that another has taken the place of ends, and says by what', async () => {
  const log = await testLog()
  const { source, target, joining, lining } = await system(log, 10)
  const ends = [joining, lining].map((part) => expect(part.done).rejects.toMatchObject({ code: 'fenced' }))
  const others = [await processor(log, joiner() as AnyProcessor), await projection(log, target)]
  await source.append(10)
  await Promise.all(ends)
  for (const other of others) await other.drain()
  expect(await linesOf(log, 'names')).toEqual((await expected(log, joiner() as AnyProcessor)).names)
  await joining.close().catch(() => {})
  await lining.close().catch(() => {})
})

test('a member of a group whose partitions cannot be opened yet tries again', async () => {
  const log = await testLog()
  await new Source(log).append(10)
  let faults = 2
  const unstable = faultyLog(log, (point) => {
    if (point === 'before committed' && faults > 0 && faults--) throw new LogError('unavailable', 'not stable yet')
  })
  const member = await start(unstable, { processors: [joiner() as AnyProcessor], partitions: 'group' })
  await member.drain()
  expect(faults).toBe(0)
  expect(await linesOf(log, 'names')).toEqual((await expected(log, joiner() as AnyProcessor)).names)
})

/** The log of a process that dies at a point of its calls. */
function dying(log: Log, fatal: number) {
  let point = 0
  const process = faultyLog(log, () => {
    if (point++ >= fatal) throw new LogError('closed', 'died')
  })
  return { process, died: () => point > fatal }
}

/** Runs `die` with a death at every point, or some of them, until there is none; several at a time. */
async function deaths(die: (fatal: number) => Promise<boolean>, step: (fatal: number) => number): Promise<number> {
  let died = 0
  let fatal = 0
  const worker = async () => {
    for (;;) {
      const point = fatal
      fatal += step(fatal)
      if (!(await die(point))) return
      died++
    }
  }
  await Promise.all(Array.from({ length: 12 }, worker))
  return died
}

describe('a death at any point', () => {
  test('of the command: it is called again and goes on', async () => {
    const died = await deaths(
      async (fatal) => {
        const log = await testLog()
        const { source, target, joining, lining } = await system(log, 10)
        await joining.close()
        const deployed = await processor(log, joiner2())
        const command = dying(log, fatal)
        await replay2(command.process).catch(() => {})
        await source.append(2)
        await replay2(log)
        await deployed.close()
        expect(await outputs(log, target, lining), `death at point ${fatal}`).toEqual(await expected(log, joiner2()))
        return command.died()
      },
      (fatal) => 1 + Math.floor(fatal / 25),
    )
    expect(died).toBeGreaterThan(40)
  }, 300_000)

  test('of a projection’s process: it is started again and moves over', async () => {
    const died = await deaths(
      async (fatal) => {
        const log = await testLog()
        const { source, target, joining, lining } = await system(log, 10)
        await lining.close()
        await joining.close()
        const process = dying(log, fatal)
        const mortal = await projection(process.process, target).catch(() => null)
        const replay = replay2(log)
        let over = false
        const ended = replay.then(() => {
          over = true
        })
        await Promise.race([ended, mortal?.done.catch(() => {})])
        await mortal?.close().catch(() => {})
        await source.append(2)
        const again = await projection(log, target)
        await ended
        expect(over).toBe(true)
        expect(await outputs(log, target, again), `death at point ${fatal}`).toEqual(await expected(log, joiner2()))
        return process.died()
      },
      (fatal) => 1 + Math.floor(fatal / 25),
    )
    expect(died).toBeGreaterThan(40)
  }, 300_000)

  test('of a processor’s process: it is started again in the generation that counts', async () => {
    const died = await deaths(
      async (fatal) => {
        const log = await testLog()
        const { source, target, joining, lining } = await system(log, 10)
        await joining.close()
        const process = dying(log, fatal)
        const mortal = await processor(process.process, joiner2()).catch(() => null)
        const appended = source.append(2)
        await replay2(log)
        await appended
        await mortal?.close().catch(() => {})
        expect(await outputs(log, target, lining), `death at point ${fatal}`).toEqual(await expected(log, joiner2()))
        return process.died()
      },
      (fatal) => 1 + Math.floor(fatal / 25),
    )
    expect(died).toBeGreaterThan(20)
  }, 300_000)

  test('or a passing fault of a projection’s process: it goes on by itself', async () => {
    const faults = await deaths(
      async (at) => {
        const log = await testLog()
        const { source, target, joining, lining } = await system(log, 10)
        await lining.close()
        await joining.close()
        let point = 0
        const passing = faultyLog(log, () => {
          if (point++ === at) throw new LogError('unavailable', 'away for a moment')
        })
        const begun = () => projection(passing, target)
        const lasting = await begun().catch(() => begun())
        await Promise.all([replay2(log), source.append(2)])
        expect(await outputs(log, target, lasting), `fault at point ${at}`).toEqual(await expected(log, joiner2()))
        return point > at
      },
      (at) => 1 + Math.floor(at / 25),
    )
    expect(faults).toBeGreaterThan(40)
  }, 300_000)
})

describe('a projection is replayed by the process that writes it', () => {
  test('beside its output, and swapped in', async () => {
    const log = await testLog()
    const { source, target, joining, lining } = await system(log)
    const seen: ReplayProgress[] = []
    const replay = ask(log, { progress: (progress) => seen.push(progress) })
    await source.append(50)
    await replay
    await joining.drain()
    await lining.drain()
    const wanted = await expected(log, joiner() as AnyProcessor)
    expect(readFileSync(target, 'utf8')).toBe(wanted.file)
    expect(existsSync(`${target}.replay`)).toBe(false)
    expect(seen.length).toBeGreaterThan(0)
    await ask(log, { from: { time: 1100 }, target })
    await lining.close()
    expect(readFileSync(target, 'utf8')).toBe(wanted.file.slice(wanted.file.indexOf('50+50')))
  })

  test('who asks may die: the next one waits for the same replay', async () => {
    const log = await testLog()
    const { target, lining, joining } = await system(log)
    const wanted = readFileSync(target, 'utf8')
    await lining.close()
    writeFileSync(target, 'spoilt\n')
    const control = await ControlTopic.open(log, logger)
    atEnd(() => control.close())
    const [own] = [...control.state.standings.values()] as [ProjectionStanding]
    await control.stand({ ...own, running: true })
    const first = ask(log, { answerMs: 200 })
    await expect(first).rejects.toMatchObject({
      code: 'replay_unanswered',
      message: expect.stringMatching(/does not answer.*syscribe project liner/),
    })
    const asked = control.state.requests.get(own.part)
    await projection(log, target)
    await ask(log)
    expect(control.state.requests.get(own.part)).toEqual(asked)
    await joining.close()
    expect(readFileSync(target, 'utf8')).toBe(wanted)
  })

  test('one of a group is told apart from one that writes the same target elsewhere', async () => {
    const log = await testLog()
    await new Source(log).append(5)
    const target = join(testFolder(), 'lines')
    await start(log, { projections: [{ projection: liner(), target, settings } as AnyProjectionTask], group: 'east' })
    await ask(log)
    const control = await ControlTopic.open(log, logger)
    atEnd(() => control.close())
    expect([...control.state.standings.keys()]).toEqual([`east.liner@${target}`])
  })

  test('nobody runs it, or several do: the error says what to do', async () => {
    const log = await testLog()
    await expect(ask(log)).rejects.toMatchObject({
      code: 'replay_unanswered',
      message: 'no process runs liner: start it with syscribe project liner, then replay',
    })
    const { lining, target } = await system(log, 5)
    const second = await projection(log, `${target}.2`)
    await expect(ask(log)).rejects.toMatchObject({ code: 'replay_invalid', message: expect.stringContaining(target) })
    await second.close()
    await lining.close()
    await expect(ask(log)).rejects.toMatchObject({
      code: 'replay_unanswered',
      message: expect.stringContaining(`last wrote ${target} on host`),
    })
  })

  test('a replay of the processor that comes meanwhile wins', async () => {
    const log = await testLog()
    const { target, lining, joining } = await system(log)
    await Promise.all([replay2(log), ask(log)])
    await joining.close()
    expect(await outputs(log, target, lining)).toEqual(await expected(log, joiner2()))
  })
})
