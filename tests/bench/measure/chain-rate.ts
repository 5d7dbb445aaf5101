import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { openKafkaLog } from '@syscribe/log'
import { topicSettings } from '@syscribe/runtime'
import { Part } from '../../harness/cluster.js'
import { Outputs } from '../../harness/syscribe.js'
import { asHost } from './another-host.js'
import { costOfAll, lookUntil } from './cost-of-all.js'
import { feed } from './feed.js'
import { FileTail } from './file-tail.js'
import type { RecordedRaw } from './recorded-raw.js'

export interface ChainRate {
  /** Exchanges a second in the HTTP log, from its first line to its last. */
  rate: number
  /** CPU of Syscribe's processes an exchange, their start not counted, microseconds. */
  micros: number
  /** CPU of the broker an exchange, microseconds. */
  brokerMicros: number
}

/** Lines of the HTTP log that may be seen before the clock runs. */
const warmLines = 1000

/**
 * How fast `syscribe run` makes the outputs of a raw log that lies in its data directory, through the derived topics of
 * the embedded log.
 */
export async function embeddedChain(recorded: RecordedRaw): Promise<ChainRate> {
  const empty = new Outputs()
  const full = new Outputs()
  try {
    cpSync(join(recorded.syscribe.outputs.dataDir, 'raw'), join(full.dataDir, 'raw'), { recursive: true })
    const start = await startCost([['run']], empty.environment)
    return await timed(recorded, [['run']], full, start, undefined)
  } finally {
    empty.remove()
    full.remove()
  }
}

/** The same by processes of their own on topics that hold the raw log. */
export async function clusterChain(
  recorded: RecordedRaw,
  commands: readonly string[][],
  env: Record<string, string>,
  brokerPid: number,
): Promise<ChainRate & { topicBytes: Map<string, number> }> {
  const partitions = Number(env.KAFKA_PARTITIONS)
  const [emptyPrefix, prefix] = ['start.', 'full.'].map((name) => `${env.KAFKA_TOPIC_PREFIX}${name}`) as [
    string,
    string,
  ]
  const log = await openKafkaLog({ brokers: (env.KAFKA_BROKERS as string).split(','), prefix })
  const outputs = new Outputs()
  try {
    const settings = { ...env, ...outputs.environment }
    const start = await startCost(commands, { ...settings, KAFKA_TOPIC_PREFIX: emptyPrefix })
    await log.createTopics(topicSettings({ ...keptForEver, partitions }))
    await feed(log, asHost(recorded.batches, 'replayed', partitions))
    const result = await timed(recorded, commands, outputs, start, brokerPid, {
      ...settings,
      KAFKA_TOPIC_PREFIX: prefix,
    })
    const topicBytes = new Map(
      (await log.describeTopics()).map(({ topic, offsets }) => [
        topic,
        offsets.reduce((sum, { bytes }) => sum + bytes, 0),
      ]),
    )
    return { ...result, topicBytes }
  } finally {
    await log.close()
    outputs.remove()
  }
}

export const keptForEver = { retentionBytes: null, retentionMs: null }
/** The same for the command. */
export const keptForEverSettings = { SYSCRIBE_RETENTION_BYTES: '0', SYSCRIBE_RETENTION_HOURS: '0' }

async function timed(
  { lines, exchanges }: RecordedRaw,
  commands: readonly string[][],
  outputs: Outputs,
  startSeconds: number,
  brokerPid: number | undefined,
  env: Record<string, string> = outputs.environment,
): Promise<ChainRate> {
  const tail = new FileTail(outputs.httpLog)
  const broker = brokerPid === undefined ? [] : [brokerPid]
  const brokerBefore = costOfAll(broker)
  const parts = await startAll(commands, env)
  try {
    let [first, linesThen] = [0, 0]
    const done = () => {
      tail.look()
      if (first === 0 && tail.lines >= warmLines) [first, linesThen] = [performance.now(), tail.lines]
      return tail.lines >= lines
    }
    await lookUntil(done, 20, () => `${tail.lines} of ${lines} lines\n${parts.map(({ stderr }) => stderr).join('')}`)
    const seconds = (performance.now() - first) / 1000
    const cpu = costOfAll(parts.map(({ child }) => child.pid as number)) - startSeconds
    return {
      rate: ((exchanges / lines) * (lines - linesThen)) / seconds,
      micros: (1e6 * cpu) / exchanges,
      brokerMicros: (1e6 * (costOfAll(broker) - brokerBefore)) / exchanges,
    }
  } finally {
    tail.close()
    await Promise.all(parts.map((part) => part.kill9()))
  }
}

/** CPU seconds until these commands are ready where there is nothing to do. */
async function startCost(commands: readonly string[][], env: Record<string, string>): Promise<number> {
  const parts = await startAll(commands, env)
  const cost = costOfAll(parts.map(({ child }) => child.pid as number))
  await Promise.all(parts.map((part) => part.kill9()))
  return cost
}

/** Starts them one after another: a machine of few cores would else measure how they get in each other's way. */
export async function startAll(commands: readonly string[][], env: Record<string, string>): Promise<Part[]> {
  const parts: Part[] = []
  try {
    for (const args of commands) {
      const quiet = { SYSCRIBE_LOG_LEVEL: 'warn', ADI_PROFILE_ALLOWED: `bench-${process.pid}`, ...keptForEverSettings }
      parts.push(await Part.start(args, { ...quiet, ...env }))
    }
    return parts
  } catch (error) {
    await Promise.all(parts.map((part) => part.kill9()))
    throw error
  }
}
