import { type Command, Option } from 'commander'
import { CliError } from '../cli-error.js'
import { paragraphs } from '../help-text.js'
import type { VerbContext } from '../program.js'

export function addDemo(program: Command, { surroundings }: VerbContext): void {
  const verb = program
    .command('demo')
    .summary('watch a small system of real programs')
    .description(
      paragraphs(
        'Watch a small system of real programs for a while and show what comes of it (needs root, and the servers of Debian packages postgresql, redis-server and nats-server: npm run demo in the checkout installs them).',
        'http-service, request-logger and traffic-generator opt in; PostgreSQL, Redis and NATS do not. All of it runs in a network of its own and meets nothing of this machine. Ends with 1 when the map lacks anything the programs did.',
      ),
    )
    .addOption(new Option('--seconds <count>', 'how long the traffic lasts').default('20', '20'))
    .addOption(
      new Option('--output-dir <folder>', 'where the outputs are left; those of the demo before are replaced').default(
        'output',
        'output',
      ),
    )
  verb.action(async () => {
    const { seconds, outputDir }: { seconds: string; outputDir: string } = verb.opts()
    const count = Number(seconds)
    if (!(count >= 1 && count <= 3600)) {
      throw new CliError('usage', `--seconds ${JSON.stringify(seconds)} is not a number from 1 to 3600`)
    }
    const { runDemo } = await import('../demo/run-demo.js')
    await runDemo({ seconds: count, folder: outputDir }, surroundings)
  })
}
