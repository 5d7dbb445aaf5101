import type { Command } from 'commander'
import { addConfigFlags, configFrom } from '../config-flags.js'
import { paragraphs } from '../help-text.js'
import type { VerbContext } from '../program.js'

export function addRun(program: Command, { surroundings }: VerbContext): void {
  const verb = program
    .command('run')
    .summary('watch this host until stopped')
    .description(
      paragraphs(
        'Watch this host until stopped (needs root). Prints a line starting with the word ready when capture is on.',
        'Only processes with ADI_PROFILE in their environment are watched. ADI_PROFILE_DISABLED=1 takes one out again (exactly 1, no other text); ADI_PROFILE_NAME=NAME names it in the outputs. What they do is appended to the event log in the data directory, and three files are derived from it: the HTTP log, the environments and the service map. All of it holds payloads and environments, so it is readable by its owner only.',
        'With --brokers the event log is a Kafka-compatible cluster, and other processes may share the work. Brokers that are away, also at the start, are waited for: what is captured meanwhile waits in SYSCRIBE_DATA_DIR/spool.',
        'Every option has an environment variable that means the same; the option wins.',
      ),
    )
    .addHelpText(
      'after',
      `
At SIGINT or SIGTERM capture ends, what was captured goes through to the files,
and the command ends with 0. A second signal ends it at once; nothing is lost,
the next start goes on where it stopped.

Examples:
  sudo syscribe run --service-map map.json
  sudo OUTPUT_PATH=http.log ADI_PROFILE_ALLOWED=local,dev syscribe run
  ADI_PROFILE=local ADI_PROFILE_NAME=reviews node server.js`,
    )
  addConfigFlags(verb)
  verb.action(async () => {
    const config = configFrom(verb, surroundings.env)
    const { runSyscribe } = await import('../run/run-syscribe.js')
    await runSyscribe(config, surroundings)
  })
}
