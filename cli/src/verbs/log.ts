import { currentLog } from '@syscribe/runtime'
import { type Command, Option } from 'commander'
import { CliError } from '../cli-error.js'
import { clusterKeys } from '../cluster/kafka-connection.js'
import { addConfigFlags, configFrom } from '../config-flags.js'
import { paragraphs } from '../help-text.js'
import { topicsJson, topicsTable } from '../log/list-topics.js'
import { filterForms, recordFilter } from '../log/record-filter.js'
import { showRecords } from '../log/show-records.js'
import { parseStartPosition } from '../log/start-position.js'
import { openLog } from '../open-log.js'
import type { VerbContext } from '../program.js'
import { stderrLogger } from '../run/logger.js'

export function addLog(program: Command, context: VerbContext): void {
  const log = program
    .command('log')
    .summary('look into the event log')
    .description(
      'Look into the event log, also while it is written: that of the data directory, or with --brokers a cluster’s',
    )
  addTopics(log, context)
  addShow(log, context)
}

function addTopics(parent: Command, { surroundings }: VerbContext): void {
  const verb = parent
    .command('topics')
    .summary('list the topics')
    .description('List the topics: how many records, which offsets, how long kept')
  addConfigFlags(verb, ['dataDir', ...clusterKeys])
  verb.option('--json', 'one JSON object a line instead of a table')
  verb.action(async () => {
    const log = await openLog(configFrom(verb, surroundings.env))
    try {
      if (verb.opts().json === true) {
        for (const topic of await topicsJson(log)) await surroundings.stdout.write(`${JSON.stringify(topic)}\n`)
      } else await surroundings.stdout.write(topicsTable(await log.describeTopics()))
    } finally {
      await log.close()
    }
  })
}

function addShow(parent: Command, { surroundings }: VerbContext): void {
  const verb = parent
    .command('show')
    .summary('show the records of a topic, as JSON lines')
    .description(
      paragraphs(
        'Show the records of a topic, one JSON object a line: topic, partition, offset, timestamp, key, kind, value. Bytes are shown as text when they are UTF-8, else as {"base64": ...}; ids as hex; times in UTC. Watermark records, which only say up to when all records are there, are left out without --watermarks.',
      ),
    )
    .argument('<topic>', 'name of the topic; syscribe log topics lists them')
  addConfigFlags(verb, ['dataDir', ...clusterKeys])
  verb
    .addOption(
      new Option(
        '--filter <condition>',
        `only records where ${filterForms}; FIELD may be a path such as client.name; repeat it for more`,
      )
        .argParser((text: string, before: string[]) => [...before, text])
        .default([], 'all'),
    )
    .option('--from <position>', 'earliest, latest, an offset, a time (2026-11-23T10:00:00Z) or an age (10m)')
    .option('--limit <count>', 'end after so many records')
    .option('--partition <number>', 'only this partition')
    .option('--follow', 'wait for new records until stopped')
    .option('--watermarks', 'show Watermark records too; they say up to when all records are there')
    .addHelpText(
      'after',
      `
Examples:
  syscribe log show http --from 5m --filter method=POST
  syscribe log show syscalls --filter kind=SocketIo --filter pid=4711 --limit 10
  syscribe log show traffic --follow --from latest | jq .value.message.url`,
    )
  verb.action(async (topic: string) => {
    const options: {
      filter: string[]
      from?: string
      limit?: string
      partition?: string
      follow?: boolean
      watermarks?: boolean
    } = verb.opts()
    const show = {
      topic,
      partition: options.partition === undefined ? undefined : wholeNumber('--partition', options.partition),
      from: parseStartPosition(options.from ?? 'earliest', Date.now()),
      limit: options.limit === undefined ? Number.POSITIVE_INFINITY : wholeNumber('--limit', options.limit),
      filters: options.filter.map(recordFilter),
      follow: options.follow === true,
      watermarks: options.watermarks === true,
    }
    const config = configFrom(verb, surroundings.env)
    const log = await openLog(config)
    try {
      const named = await currentLog(log, stderrLogger(config.logLevel, 'log'))
      for await (const record of showRecords(named, { ...show, signal: surroundings.stopSignal() })) {
        await surroundings.stdout.write(`${JSON.stringify(record)}\n`)
      }
    } finally {
      await log.close()
    }
  })
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new CliError('usage', `${name} ${JSON.stringify(text)} is not a whole number`)
  return Number(text)
}
