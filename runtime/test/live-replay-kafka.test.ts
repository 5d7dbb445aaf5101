import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Log, openKafkaLog } from '@syscribe/log'
import { type TestBroker, testBroker } from '@syscribe/test-broker'
import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { currentLog, topicSettings } from '../src/index.js'
import { bundleChild } from './bundle.js'
import { Appender, atEnd, linesOf, testFolder } from './test-log.js'
import { joiner2 } from './test-parts.js'
import { derivedOf } from './undisturbed.js'

const logger = pino({ level: 'silent' })
const partitions = 2
const raw = ['syscalls', 'processes'] as const

let broker: TestBroker
beforeAll(async () => {
  broker = await testBroker()
}, 600_000)
afterAll(() => broker.stop())

/** Writes raw records of one host to both partitions, until it is told to stop. */
class Source {
  number = 0
  #stopped = false
  #writing: Promise<void> = Promise.resolve()
  readonly #appender: Appender
  private constructor(appender: Appender) {
    this.#appender = appender
  }
  static async open(log: Log): Promise<Source> {
    return new Source(await Appender.open(log))
  }
  async append(count: number): Promise<void> {
    const losses: [number, number][][] = [[], []]
    const exits: [number, number][] = []
    for (let index = 0; index < count; index++) {
      const number = this.number++
      const time = 1000 + number
      if (number % 5 === 0) exits.push([time, number])
      losses[number % partitions]!.push([time, number])
    }
    if (exits.length > 0) await this.#appender.exits(exits, this.number % partitions)
    for (const [partition, some] of losses.entries()) {
      if (some.length > 0) await this.#appender.losses(some, partition)
    }
    await this.watermark()
  }
  async watermark(final = false): Promise<void> {
    for (const topic of raw) {
      for (let partition = 0; partition < partitions; partition++) {
        await this.#appender.watermark(topic, 1000 + this.number, 'a', final, partition)
      }
    }
  }
  start(): void {
    this.#writing = (async () => {
      while (!this.#stopped) {
        await this.append(20)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    })()
  }
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#writing
    await this.watermark(true)
  }
}

test('a processor is replayed while records come, its command, it and a projection’s process being killed', async () => {
  const prefix = `t${randomBytes(6).toString('hex')}.`
  const log = await openKafkaLog({ brokers: broker.brokers, prefix })
  atEnd(async () => {
    for (const { topic } of await log.describeTopics()) await log.deleteTopic(topic).catch(() => {})
    await log.close()
  })
  await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null, partitions }))
  const target = join(testFolder(), 'lines')
  const [part, command] = await Promise.all([bundleChild('live-part'), bundleChild('live-replay')])
  atEnd(part.dispose)
  atEnd(command.dispose)
  const children = new Set<ChildProcess>()
  const start = (file: string, ...args: string[]): ChildProcess => {
    const child = spawn(process.execPath, [file, broker.brokers.join(','), prefix, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.add(child)
    child.once('exit', () => children.delete(child))
    return child
  }
  atEnd(async () => {
    for (const child of [...children]) await kill(child)
  })
  const live = async (name: string) => {
    const child = start(part.file, name)
    await said(child, 'running')
    return child
  }

  const source = await Source.open(log)
  await source.append(2_000)
  const old = await live('joiner')
  const lines = await live(target)
  await until(() => existsSync(target) && readFileSync(target, 'utf8').includes('1990+'))
  // The new version is brought out: what comes from now on is derived by it, what was before is not.
  await kill(old)
  let parsers = [await live('joiner2'), await live('joiner2')]
  source.start()

  const first = start(command.file, 'slowly')
  await said(first, ' of ')
  await kill(first)
  const second = start(command.file, 'slowly')
  await said(second, ' of ')
  await kill(lines)
  await kill(parsers[0] as ChildProcess)
  parsers = [parsers[1] as ChildProcess, await live('joiner2')]
  const again = await live(target)
  await kill(second)
  const third = start(command.file)
  await once(third, 'exit')
  expect(third.exitCode).toBe(0)
  await source.stop()

  const { file: wanted, derived } = await derivedOf(log, joiner2(), {}, partitions)
  await until(() => readFileSync(target, 'utf8').length >= wanted.length).catch(() => {})
  for (const child of [...parsers, again]) await kill(child)
  expect(readFileSync(target, 'utf8')).toBe(wanted)
  const current = await currentLog(log, logger)
  for (let partition = 0; partition < partitions; partition++) {
    expect(await linesOf(current, 'names', partition)).toEqual(await linesOf(derived, 'names', partition))
  }
  const left = (await log.describeTopics()).map(({ topic }) => topic).filter((topic) => /names|joiner/.test(topic))
  expect(left.sort()).toEqual(['joiner.2.state', 'names.2'])
  expect(await log.committed('joiner')).toEqual([])
  expect(wanted.match(/v2/g)?.length).toBe(source.number)
}, 600_000)

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

/** Resolves when a child has said something. */
async function said(child: ChildProcess, text: string): Promise<void> {
  let all = ''
  await new Promise<void>((resolve, reject) => {
    child.stdout!.on('data', (data) => {
      all += String(data)
      if (all.includes(text)) resolve()
    })
    child.once('exit', () => reject(new Error(`the child ended, having said ${JSON.stringify(all)}`)))
  })
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 180_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('waited for 180 s')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
