import { resolve } from 'node:path'
import type { Command } from 'commander'
import { CliError } from '../cli-error.js'
import { clusterKeys } from '../cluster/kafka-connection.js'
import { addConfigFlags, configFrom } from '../config-flags.js'
import { paragraphs } from '../help-text.js'
import { parseStartPosition, type StartPosition } from '../log/start-position.js'
import type { VerbContext } from '../program.js'
import { type AskedReplay, refuseSenseless } from '../replay/asked-replay.js'
import { progressLine } from '../replay/progress-line.js'
import { checkOutput, outputKeys } from '../run/check-outputs.js'
import { lastOutputs } from '../run/last-outputs.js'

interface ReplayOptions {
  from?: string
  to?: string
  into?: string
  target?: string
  anew?: true
  cancel?: true
}

export function addReplay(program: Command, { surroundings }: VerbContext): void {
  const verb = program
    .command('replay')
    .summary('build an output again from the log')
    .description(
      paragraphs(
        'Build an output again from the log, or everything behind one processor again from what it reads.',
        'Projections: http-log, env-yaml, service-map. The new file is built beside the old one and takes its place when it has caught up.',
        'Processors: http-parser, protocol-classifier, env-reader, container-enricher. What it and everything behind it derived is derived again, for example after its code has changed; the files keep their content until the new ones are complete.',
        'Where syscribe run is writing the data directory, it does the replay itself, of the outputs that it writes, and capture goes on; a replay that is interrupted goes on at its next start.',
        'With --brokers: a projection is built by the process that writes its output. A processor is run by this command, into topics of a new generation; all processes move over when it has caught up. Bring out the new version of the processor first. Interrupted by whatever, it goes on when the command is given again.',
      ),
    )
    .argument('<part>', 'name of a projection or processor, or the path of a projection of your own')
    .option('--from <position>', 'begin at a time, an age (2h) or an offset, instead of the oldest record')
    .option('--into <where>', 'write to this file once, a processor to this topic, and leave everything else as it is')
    .option('--to <position>', 'with --into: end before a time, an age or an offset')
    .option('--target <file>', 'with --brokers: which output, by its whole path, where a projection writes several')
    .option('--anew', 'with --brokers, processors: do not go on with a replay that was interrupted')
    .option('--cancel', 'with --brokers, processors: give up a replay that was interrupted')
    .addHelpText(
      'after',
      `
Examples:
  syscribe replay service-map
  syscribe replay http-parser
  syscribe replay http-log --from 2h --to 1h --into one-hour.log
  syscribe replay http-parser --into http-trial --from 1h
  syscribe replay ./slowest-endpoints --into slowest.csv
  syscribe replay container-enricher --brokers broker-1:9092`,
    )
  const keys = [
    'dataDir',
    'outputPath',
    'envOutputPath',
    'serviceMapPath',
    'ownProjections',
    'rawPayload',
    'logLevel',
  ] as const
  addConfigFlags(verb, [...keys, ...clusterKeys, 'kafkaReplication'], {
    otherwise: Object.fromEntries(
      [...outputKeys, 'ownProjections', 'rawPayload'].map((key) => [key, 'default: as in the last run']),
    ),
  })
  verb.action(async (name: string) => {
    const { isPartName, partKind } = await import('../replay/parts-by-name.js')
    const { ownProjectionTasks } = await import('../run/own-projections.js')
    const first = configFrom(verb, surroundings.env)
    const onCluster = first.brokers !== null
    // Where the last run wrote, unless this command says otherwise.
    const config = onCluster ? first : configFrom(verb, { ...lastOutputs(first.dataDir), ...given(surroundings.env) })
    const own: string[] = (await ownProjectionTasks(config)).map(({ projection }) => projection.name)
    const options: ReplayOptions = verb.opts()
    if (onCluster && options.into === undefined && !isPartName(name, own)) {
      const { projectionsOnCluster } = await import('../replay/projections-on-cluster.js')
      own.push(...(await projectionsOnCluster(config)))
    }
    const asked = askedReplay(name, partKind(name, own), options)
    refuseSenseless(asked, onCluster)
    if (asked.into !== undefined && asked.kind === 'projection') {
      checkOutput(`--into ${JSON.stringify(asked.into)}`, resolve(asked.into))
    }
    const line = progressLine(surroundings.stderr)
    const reports = { progress: line.show, notice: line.notice, signal: surroundings.stopSignal() }
    if (onCluster) {
      const { replayOnCluster } = await import('../replay/replay-on-cluster.js')
      await replayOnCluster(config, asked, reports)
    } else {
      const { replayOnEmbedded } = await import('../replay/replay-on-embedded.js')
      await replayOnEmbedded(config, asked, reports)
    }
    line.done()
    await surroundings.stdout.write(`${done({ ...asked, name: await nameOf(name) })}\n`)
  })
}

/** A path may be as short as a dot: what is there has a name. */
async function nameOf(part: string): Promise<string> {
  const { isModulePath, loadProjection } = await import('../new-projection/load-projection.js')
  return isModulePath(part) ? (await loadProjection(part)).name : part
}

function done({ name, into, cancel }: AskedReplay): string {
  if (cancel) return `The replay of ${name} is given up.`
  return into === undefined ? `${name} is built again.` : `${name} is written to ${into}.`
}

function askedReplay(name: string, kind: AskedReplay['kind'], options: ReplayOptions): AskedReplay {
  const from = options.from === undefined ? undefined : start('--from', options.from)
  const to = options.to === undefined ? undefined : start('--to', options.to)
  if (to === 'earliest') throw new CliError('usage', '--to earliest leaves nothing to read')
  return {
    name,
    kind,
    anew: options.anew ?? false,
    cancel: options.cancel ?? false,
    ...(from && { from }),
    ...(to && { to }),
    ...(options.into !== undefined && { into: options.into }),
    ...(options.target !== undefined && { target: options.target }),
  }
}

function start(option: string, text: string): Exclude<StartPosition, 'latest'> {
  const position = parseStartPosition(text, Date.now(), option)
  if (position === 'latest') throw new CliError('usage', `${option} latest: name a time, an age or an offset`)
  return position
}

/** Variables that are set: an empty text counts as not set, as everywhere. */
function given(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const set = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '',
  )
  return Object.fromEntries(set)
}
