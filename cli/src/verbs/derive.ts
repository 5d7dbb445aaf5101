import type { Command } from 'commander'
import { CliError } from '../cli-error.js'
import { addConfigFlags, configFrom } from '../config-flags.js'
import { paragraphs } from '../help-text.js'
import type { VerbContext } from '../program.js'
import { progressLine } from '../replay/progress-line.js'
import { checkOutputs, outputKeys } from '../run/check-outputs.js'
import { lockOutputs } from '../run/output-lock.js'

const outputVariables = ['OUTPUT_PATH', 'ENV_OUTPUT_PATH', 'SERVICE_MAP_PATH', 'SYSCRIBE_PROJECTIONS']

export function addDerive(program: Command, { surroundings }: VerbContext): void {
  const verb = program
    .command('derive')
    .summary('make the outputs from a recorded log')
    .description(
      paragraphs(
        'Make the outputs from a recorded log, on any machine and without rights. The log is only read; what is derived in between is not kept. The same log gives the same files, byte for byte but for generated_at of the service map.',
        'Writes those outputs that are named, by option or variable.',
      ),
    )
    .addHelpText(
      'after',
      `
Example:
  syscribe derive --data-dir recorded --output http.log --service-map map.json`,
    )
  addConfigFlags(
    verb,
    ['dataDir', 'outputPath', 'envOutputPath', 'serviceMapPath', 'ownProjections', 'rawPayload', 'logLevel'],
    {
      otherwise: Object.fromEntries(outputKeys.map((key) => [key, 'not written unless named'])),
    },
  )
  verb.action(async () => {
    const config = configFrom(verb, surroundings.env)
    const options: Record<string, unknown> = verb.opts()
    const named = (option: string, variable: string) =>
      options[option] !== undefined || (surroundings.env[variable] ?? '') !== ''
    const outputs = {
      outputPath: named('output', 'OUTPUT_PATH') ? config.outputPath : null,
      envOutputPath: named('envOutput', 'ENV_OUTPUT_PATH') ? config.envOutputPath : null,
      serviceMapPath: named('serviceMap', 'SERVICE_MAP_PATH') ? config.serviceMapPath : null,
      ownProjections: config.ownProjections,
    }
    if (Object.values(outputs).every((path) => path === null)) {
      throw new CliError(
        'usage',
        `no output is named: set --output, --env-output, --service-map or --projections (${outputVariables.join(', ')})`,
      )
    }
    checkOutputs(outputs)
    const { deriveOutputs } = await import('../replay/derive-outputs.js')
    const locks = lockOutputs(outputs)
    const signal = surroundings.stopSignal()
    const progress = progressLine(surroundings.stderr)
    try {
      const { records } = await deriveOutputs({ ...config, ...outputs }, progress.show, signal)
      progress.done()
      await surroundings.stdout.write(`${records} records derived.\n`)
    } finally {
      locks.release()
    }
  })
}
