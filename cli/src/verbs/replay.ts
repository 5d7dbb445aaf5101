import { resolve } from 'node:path'
import type { Command } from 'commander'
import { CliError } from '../cli-error.js'
import { addConfigFlags, configFrom } from '../config-flags.js'
import { paragraphs } from '../help-text.js'
import { parseStartPosition, type StartPosition } from '../log/start-position.js'
import { isModulePath } from '../new-projection/load-projection.js'
import { openLogToRead } from '../open-log.js'
import type { VerbContext } from '../program.js'
import { progressLine } from '../replay/progress-line.js'
import { checkOutput, outputKeys } from '../run/check-outputs.js'
import { lastOutputs } from '../run/last-outputs.js'
import { stderrLogger } from '../run/logger.js'

interface ReplayOptions {
  from?: string
  to?: string
  into?: string
}

export function addReplay(program: Command, { surroundings }: VerbContext): void {
  const verb = program
    .command('replay')
    .summary('build an output again from the log')
    .description(
      paragraphs(
        'Build an output again from the log, or everything behind one processor again from what it reads.',
        'Projections: http-log, env-yaml, service-map. The new file is built beside the old one and takes its place when it has caught up.',
        'Processors: http-parser, protocol-classifier, env-reader, container-enricher. What it and everything behind it derived is dropped and derived again, for example after its code has changed; the files keep their content until the new ones are complete.',
        'Where syscribe run is writing the data directory, it does the replay itself and capture goes on; a replay that is interrupted goes on at its next start.',
      ),
    )
    .argument('<part>', 'name of a projection or processor; with --into also the path of a projection of your own')
    .option('--from <position>', 'projections: begin at a time, an age (2h) or an offset, instead of the oldest record')
    .option('--into <file>', 'projections: write to this file once and leave the output as it is')
    .option('--to <position>', 'with --into: end before a time, an age or an offset')
    .addHelpText(
      'after',
      `
Examples:
  syscribe replay service-map
  syscribe replay http-parser
  syscribe replay http-log --from 2h --to 1h --into one-hour.log
  syscribe replay ./slowest-endpoints --into slowest.csv`,
    )
  addConfigFlags(verb, ['dataDir', 'outputPath', 'envOutputPath', 'serviceMapPath', 'rawPayload', 'logLevel'], {
    otherwise: Object.fromEntries([...outputKeys, 'rawPayload'].map((key) => [key, 'default: as in the last run'])),
  })
  verb.action(async (name: string) => {
    const options: ReplayOptions = verb.opts()
    const { partKind } = await import('../replay/parts-by-name.js')
    const kind = partKind(name)
    refuseSenseless(name, kind, options)
    const from = options.from === undefined ? undefined : start('--from', options.from)
    const to = options.to === undefined ? undefined : start('--to', options.to)
    if (to === 'earliest') throw new CliError('usage', '--to earliest leaves nothing to read')

    const { dataDir } = configFrom(verb, surroundings.env)
    // Where the last run wrote, unless this command says otherwise.
    const config = configFrom(verb, { ...lastOutputs(dataDir), ...given(surroundings.env) })
    const progress = progressLine(surroundings.stderr)
    const signal = surroundings.stopSignal()
    if (options.into !== undefined) {
      checkOutput(`--into ${JSON.stringify(options.into)}`, resolve(options.into))
      const { projectionOf } = await import('../run/parts.js')
      const { replayInto } = await import('@syscribe/runtime')
      const projection = await projectionOf(name)
      const log = await openLogToRead(dataDir)
      try {
        await replayInto({
          log,
          projection,
          target: options.into,
          settings: { rawPayload: config.rawPayload },
          logger: stderrLogger(config.logLevel, 'replay'),
          progress,
          signal,
          ...(from === undefined ? {} : { from }),
          ...(to === undefined ? {} : { to }),
        })
      } finally {
        await log.close()
      }
    } else {
      const order =
        kind === 'processor' ? { processor: name } : { projection: name, ...(from === undefined ? {} : { from }) }
      const { askRunning } = await import('../replay/ask-running.js')
      if (!(await askRunning(dataDir, order, progress, signal))) {
        const { replayHere } = await import('../replay/replay-here.js')
        await replayHere(config, order, progress, signal)
      }
    }
    const done = options.into === undefined ? `${name} is built again.` : `${name} is written to ${options.into}.`
    await surroundings.stdout.write(`${done}\n`)
  })
}

function refuseSenseless(name: string, kind: 'processor' | 'projection', { from, to, into }: ReplayOptions): void {
  if (kind === 'processor' && (from ?? to ?? into) !== undefined) {
    throw new CliError('usage', `${name} is a processor: it is always replayed whole, without --from, --to and --into`)
  }
  if (isModulePath(name) && into === undefined) {
    throw new CliError('usage', `${name} is a projection of your own: say with --into which file to write`)
  }
  if (to !== undefined && into === undefined) {
    throw new CliError('usage', '--to needs --into: an output that stops short cannot go on as the live one')
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
