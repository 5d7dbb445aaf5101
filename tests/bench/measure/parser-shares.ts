import { openKafkaLog } from '@syscribe/log'
import { topicSettings } from '@syscribe/runtime'
import { asHost } from './another-host.js'
import { keptForEver, startAll } from './chain-rate.js'
import { costOfAll, lookUntil } from './cost-of-all.js'
import { feed, inTurns } from './feed.js'
import { processCost } from './process-cost.js'
import type { RecordedRaw } from './recorded-raw.js'

export interface ParserShares {
  exchanges: number
  /** Exchanges parsed a second, of all hosts. */
  rate: number
  /** CPU of all parsers an exchange, microseconds. */
  micros: number
  brokerMicros: number
  /** What each parser had of the parsers' CPU, from least to most: 0 to 1. */
  shares: number[]
}

/**
 * What so many http-parsers of one group take a second, of the traffic of several hosts: a recorded raw log under as many
 * host names, appended at once to topics of several partitions. A first host's warms up and is not counted.
 */
export async function parserShares(
  recorded: RecordedRaw,
  { hosts, parsers }: { hosts: number; parsers: number },
  env: Record<string, string>,
  brokerPid: number,
): Promise<ParserShares> {
  const partitions = Number(env.KAFKA_PARTITIONS)
  const prefix = env.KAFKA_TOPIC_PREFIX as string
  const log = await openKafkaLog({ brokers: (env.KAFKA_BROKERS as string).split(','), prefix })
  await log.createTopics(topicSettings({ ...keptForEver, partitions }))
  const commands = Array.from({ length: parsers }, () => ['process', 'http-parser'])
  const parts = await startAll(commands, env)
  try {
    const parsed = async () => {
      const syscalls = (await log.describeTopics()).find(({ topic }) => topic === 'syscalls')
      const ends = new Map(syscalls?.offsets.map(({ partition, end }) => [partition, end]))
      await lookUntil(
        async () => {
          const taken = (await log.committed('http-parser')).filter(({ topic }) => topic === 'syscalls')
          return [...ends].every(([partition, end]) =>
            taken.some((each) => each.partition === partition && each.offset >= end),
          )
        },
        30,
        () => `http-parser has not taken all syscalls\n${parts.map(({ stderr }) => stderr).join('')}`,
      )
    }
    await feed(log, asHost(recorded.batches, 'warm', partitions))
    await parsed()
    const names = Array.from({ length: hosts }, (_, index) => `host-${index + 1}`)
    const batches = inTurns(names.map((name) => asHost(recorded.batches, name, partitions)))
    const costs = () => parts.map(({ child }) => processCost(child.pid as number).cpuSeconds)
    const [before, brokerBefore] = [costs(), costOfAll([brokerPid])]
    const began = performance.now()
    await feed(log, batches)
    await parsed()
    const seconds = (performance.now() - began) / 1000
    const used = costs().map((cost, index) => cost - (before[index] ?? 0))
    const all = used.reduce((sum, each) => sum + each, 0)
    const exchanges = hosts * recorded.exchanges
    return {
      exchanges,
      rate: exchanges / seconds,
      micros: (1e6 * all) / exchanges,
      brokerMicros: (1e6 * (costOfAll([brokerPid]) - brokerBefore)) / exchanges,
      shares: used.map((each) => each / all).sort((a, b) => a - b),
    }
  } finally {
    await Promise.all(parts.map((part) => part.kill9()))
    await log.close()
  }
}
