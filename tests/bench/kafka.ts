// The Kafka engine: collector to broker, the whole chain, replay of a topic, many hosts; on a broker of its own. One part
// alone: `npm run bench -- kafka send|replay|chain|delay|hosts [seconds of the recording]`.
import { loadavg } from 'node:os'
import { settings } from '@syscribe/runtime'
import { asInstalled, ownBroker } from '@syscribe/test-broker'
import { asHost } from './measure/another-host.js'
import { BenchPrograms } from './measure/bench-servers.js'
import { type ChainRate, clusterChain, embeddedChain } from './measure/chain-rate.js'
import { lineDelay } from './measure/line-delay.js'
import { median } from './measure/median.js'
import { ownFolder } from './measure/own-folder.js'
import { parserShares } from './measure/parser-shares.js'
import { readRate } from './measure/read-rate.js'
import { recordRaw } from './measure/recorded-raw.js'
import { sendRate } from './measure/send-rate.js'
import { fixed, printTable } from './measure/table.js'

const parts = ['send', 'replay', 'chain', 'delay', 'hosts']
const asked = parts.filter((part) => process.argv.slice(2).includes(part))
/**
 * Where all are asked for, none is begun later than this, seconds, so that all ends within seven minutes: on a machine that
 * is slower the others are asked for one by one. `delay` takes nearly seven minutes by itself.
 */
const lastBegin: Record<string, number> = { send: 180, replay: 180, chain: 140, delay: 20, hosts: 380 }
const seconds = Number(process.argv.slice(2).find((each) => /^\d+$/.test(each)) ?? 4)
const partitions = 4
const began = performance.now()

function wanted(part: string): boolean {
  if (asked.length > 0) return asked.includes(part)
  const last = lastBegin[part] ?? 0
  if (performance.now() - began < 1000 * last) return true
  process.stdout.write(`\nNot measured, for ${last} s were over: ${part}\n`)
  return false
}

const removeFolder = ownFolder()
const programs = new BenchPrograms()
const broker = await ownBroker({}, [], asInstalled)
const ends: (() => unknown)[] = [removeFolder, () => broker.stop(), () => programs.remove()]
const environment = (name: string, count = partitions) => ({
  KAFKA_BROKERS: broker.brokers.join(','),
  KAFKA_TOPIC_PREFIX: `${name}.`,
  KAFKA_PARTITIONS: `${count}`,
})

/** Every part that derives, each its own process, and the least that there can be. */
const together = [
  ['process', 'all'],
  ['project', 'all'],
]
const apart = [
  ...['http-parser', 'protocol-classifier', 'env-reader', 'container-enricher'].map((name) => ['process', name]),
  ...['http-log', 'env-yaml', 'service-map'].map((name) => ['project', name]),
]

try {
  const recorded = await recordRaw(programs, { rate: 5_000, seconds, connections: 32 })
  ends.push(() => recorded.syscribe.dispose())
  const brokerPid = broker.pid as number

  const replayed = wanted('replay')
  if (replayed || wanted('send')) {
    const prefix = 'send.'
    const batches = asHost(recorded.batches, 'sender', partitions).filter(({ topic }) => topic === 'syscalls')
    const options = { brokers: broker.brokers, brokerPid, prefix, batches, partitions }
    const { rows, eventBytes } = await sendRate({ ...options, rounds: 3, times: 2, packed: 8 })
    title(`Collector to broker, events of ${fixed(eventBytes, 0)} B, medians of 3 rounds in turn`, rows)
    if (replayed) {
      const read = await readRate({ brokers: broker.brokers, prefix, topic: 'syscalls', rounds: 3 })
      title('Replay of a topic, medians of 3 rounds in turn', read)
    }
  }

  if (wanted('chain')) {
    const rounds = 2
    const found: Record<string, ChainRate[]> = { embedded: [], together: [], apart: [] }
    let bytes = new Map<string, number>()
    for (let round = 0; round < rounds; round++) {
      found.embedded?.push(await embeddedChain(recorded))
      const whole = await clusterChain(recorded, together, environment(`chain-${round}`), brokerPid)
      found.together?.push(whole)
      bytes = whole.topicBytes
    }
    found.apart?.push(await clusterChain(recorded, apart, environment('apart'), brokerPid))
    const of = (name: string, figure: keyof ChainRate) => median((found[name] ?? []).map((each) => each[figure]))
    const row = (chain: string, name: string) => ({
      chain,
      'exchanges/s': fixed(of(name, 'rate'), 0),
      ratio: fixed(of(name, 'rate') / of('embedded', 'rate'), 2),
      'µs CPU an exchange': fixed(of(name, 'micros'), 0),
      'CPU ratio': fixed(of(name, 'micros') / of('embedded', 'micros'), 2),
      'broker µs CPU an exchange': fixed(of(name, 'brokerMicros'), 0),
    })
    title(`Raw log of ${recorded.exchanges} exchanges to the three files, medians of ${rounds} rounds in turn`, [
      row('embedded, syscribe run', 'embedded'),
      row('Kafka, process all and project all', 'together'),
      row('Kafka, seven processes, one round', 'apart'),
    ])
    title(
      'Bytes on disk of each topic, without replication and compression',
      [...bytes].map(([topic, size]) => ({ topic, 'B an exchange': fixed(size, 0) })),
    )
  }

  if (wanted('delay')) {
    const rows: Record<string, string | number>[] = []
    const all = [...together, ['collect']]
    const byDefault = Number(settings.kafkaPartitions.default)
    const measured = async (rate: number, count: number | null, round = 1) => {
      const env = count === null ? {} : environment(`delay-${rate}-${count}-${round}`, count)
      const commands = count === null ? [['run']] : all
      const result = await lineDelay(
        programs,
        commands,
        env,
        { rate, seconds: 10 },
        count === null ? undefined : brokerPid,
      )
      rows.push({
        chain: count === null ? 'embedded' : `Kafka, topics of ${count} partitions`,
        rate: `${rate}/s`,
        'p50 ms': fixed(result.p50, 0),
        'p99 ms': fixed(result.p99, 0),
        'most ms': fixed(result.most, 0),
        'µs CPU an exchange': result.micros.map((each) => fixed(each, 0)).join(' + '),
        'broker µs CPU an exchange': fixed(result.brokerMicros, 0),
        'stolen %': fixed(100 * result.stolen, 1),
      })
    }
    // Java compiles the broker's code for a minute or so of load; a broker runs for months.
    for (let round = 0; round < 3; round++) await measured(5_000, byDefault, round - 3)
    const coldest = rows.splice(0)
    for (const rate of [1_000, 5_000]) {
      await measured(rate, null)
      for (let round = 1; round <= 3; round++) {
        for (const count of rate === 5_000 ? [byDefault, 2 * byDefault] : [byDefault])
          await measured(rate, count, round)
      }
    }
    title('The same while the broker is new: its first loads', coldest)
    title('From system call to line in the file, on a broker that is warm (goal: p99 under 1,000 ms at 5,000/s)', rows)
  }

  if (wanted('hosts')) {
    const hosts = 4
    const rows = []
    for (const parsers of [1, 2, 4]) {
      const result = await parserShares(recorded, { hosts, parsers }, environment(`hosts-${parsers}`), brokerPid)
      rows.push({
        'http-parsers': parsers,
        exchanges: result.exchanges,
        'exchanges/s': fixed(result.rate, 0),
        'µs CPU an exchange': fixed(result.micros, 1),
        'broker µs CPU an exchange': fixed(result.brokerMicros, 1),
        'share of each': result.shares.map((share) => `${fixed(100 * share, 0)} %`).join(', '),
      })
    }
    title(`${hosts} hosts on ${partitions} partitions, parsed by one group`, rows)
  }
} finally {
  for (const end of ends.reverse()) await end()
}

function title(text: string, rows: Record<string, string | number>[]): void {
  const at = fixed((performance.now() - began) / 1000, 0)
  printTable(`${text} (load average ${fixed(loadavg()[0] ?? 0, 1)}, after ${at} s)`, rows)
}
