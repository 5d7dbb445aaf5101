import { openEmbeddedLog, openKafkaLog, type PartitionBatch } from '@syscribe/log'
import { topicSettings } from '@syscribe/runtime'
import { Outputs } from '../../harness/syscribe.js'
import { SyscribeProcess } from '../../harness/syscribe-process.js'
import { asHost } from './another-host.js'
import { costOfAll, lookUntil } from './cost-of-all.js'
import { feed } from './feed.js'
import { FileTail } from './file-tail.js'
import type { RecordedRaw } from './recorded-raw.js'

export interface ChainRate {
  /** Exchanges a second that come into the HTTP log. */
  rate: number
  /** CPU of Syscribe's processes an exchange, microseconds. */
  micros: number
  /** CPU of the broker an exchange, microseconds. */
  brokerMicros: number
}

export const keptForEver = { retentionBytes: null, retentionMs: null }
/** The same for the command. */
const keptForEverSettings = { SYSCRIBE_RETENTION_BYTES: '0', SYSCRIBE_RETENTION_HOURS: '0' }

/**
 * How fast `syscribe run` makes the outputs of a raw log that lies in its data directory, through the derived topics of
 * the embedded log. Twice the recorded one, as two hosts: the first warms compilers up.
 */
export async function embeddedChain(recorded: RecordedRaw): Promise<ChainRate> {
  const outputs = new Outputs()
  try {
    const log = await openEmbeddedLog({ path: outputs.dataDir, writes: 'raw' })
    const raw = (topic: string) => recorded.batches.some((each) => each.topic === topic)
    await log.createTopics(topicSettings(keptForEver).filter(({ topic }) => raw(topic)))
    for (const batches of twice(recorded, 1)) await feed(log, batches)
    await log.close()
    const parts = await startAll([['run']], outputs.environment)
    try {
      return await timed(recorded, parts, outputs.httpLog, undefined, async () => {})
    } finally {
      await Promise.all(parts.map((part) => part.kill9()))
    }
  } finally {
    outputs.remove()
  }
}

/** The same by processes of their own on topics that get the raw log of one host, and then of the other. */
export async function clusterChain(
  recorded: RecordedRaw,
  commands: readonly string[][],
  env: Record<string, string>,
  brokerPid: number,
): Promise<ChainRate & { topicBytes: Map<string, number> }> {
  const partitions = Number(env.KAFKA_PARTITIONS)
  const prefix = env.KAFKA_TOPIC_PREFIX as string
  const log = await openKafkaLog({ brokers: (env.KAFKA_BROKERS as string).split(','), prefix })
  const outputs = new Outputs()
  let parts: SyscribeProcess[] = []
  try {
    await log.createTopics(topicSettings({ ...keptForEver, partitions }))
    parts = await startAll(commands, { ...env, ...outputs.environment })
    const [warm, replayed] = twice(recorded, partitions)
    await feed(log, warm)
    const result = await timed(recorded, parts, outputs.httpLog, brokerPid, () => feed(log, replayed))
    const topicBytes = new Map(
      (await log.describeTopics()).map(({ topic, offsets }) => [
        topic,
        offsets.reduce((sum, { bytes }) => sum + bytes, 0) / (2 * recorded.exchanges),
      ]),
    )
    return { ...result, topicBytes }
  } finally {
    await Promise.all(parts.map((part) => part.kill9()))
    await log.close()
    outputs.remove()
  }
}

/** What is recorded as of two hosts, the second after the first. */
function twice({ batches }: RecordedRaw, partitions: number): [PartitionBatch[], PartitionBatch[]] {
  const times = batches.map(({ batch }) => [batch.minTimestamp, batch.maxTimestamp] as const)
  const begin = Math.min(...times.map(([first]) => first))
  const end = Math.max(...times.map(([, last]) => last))
  return [asHost(batches, 'warm', partitions), asHost(batches, 'replayed', partitions, Math.ceil(end - begin) + 1)]
}

/** Waits for the first host's lines, then takes time and cost until the second's are there. */
async function timed(
  { lines, exchanges }: RecordedRaw,
  parts: readonly SyscribeProcess[],
  path: string,
  brokerPid: number | undefined,
  goOn: () => Promise<void>,
): Promise<ChainRate> {
  const tail = new FileTail(path)
  const until = (wanted: number) =>
    lookUntil(
      () => {
        tail.look()
        return tail.lines >= wanted
      },
      10,
      () => `${tail.lines} of ${wanted} lines\n${parts.map(({ stderr }) => stderr).join('')}`,
    )
  const broker = brokerPid === undefined ? [] : [brokerPid]
  const pids = parts.map(({ child }) => child.pid as number)
  try {
    await until(lines)
    const [seen, before, brokerBefore, began] = [tail.lines, costOfAll(pids), costOfAll(broker), performance.now()]
    await goOn()
    await until(2 * lines)
    const seconds = (performance.now() - began) / 1000
    const done = (exchanges * (2 * lines - seen)) / lines
    return {
      rate: done / seconds,
      micros: (1e6 * (costOfAll(pids) - before)) / done,
      brokerMicros: (1e6 * (costOfAll(broker) - brokerBefore)) / done,
    }
  } finally {
    tail.close()
  }
}

/** Starts them one after another: a machine of few cores would else measure how they get in each other's way. */
export async function startAll(commands: readonly string[][], env: Record<string, string>): Promise<SyscribeProcess[]> {
  const parts: SyscribeProcess[] = []
  try {
    for (const args of commands) {
      const quiet = { SYSCRIBE_LOG_LEVEL: 'warn', ADI_PROFILE_ALLOWED: `bench-${process.pid}`, ...keptForEverSettings }
      parts.push(await new SyscribeProcess(args, { ...quiet, ...env }).ready())
    }
    return parts
  } catch (error) {
    await Promise.all(parts.map((part) => part.kill9()))
    throw error
  }
}
