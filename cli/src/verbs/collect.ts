import type { Command } from 'commander'
import { clusterKeys, topicKeys } from '../cluster/kafka-connection.js'
import { addConfigFlags, configFrom } from '../config-flags.js'
import { paragraphs } from '../help-text.js'
import type { VerbContext } from '../program.js'

export function addCollect(program: Command, { surroundings }: VerbContext): void {
  const verb = program
    .command('collect')
    .summary('watch this host, into a Kafka cluster')
    .description(
      paragraphs(
        'Watch this host until stopped (needs root), and send what is captured to the topics of a Kafka-compatible cluster. Prints a line starting with the word ready when capture is on. The other parts, syscribe process and syscribe project, run anywhere.',
        'While the brokers are away, also from the start, what is captured waits in SYSCRIBE_DATA_DIR/spool, in order, and is sent once when they are back. When the spool is full, records are dropped and counted. What waits there outlives the process.',
        'One collector a host: a second one with the same --host ends the first.',
      ),
    )
    .addHelpText(
      'after',
      `
At SIGINT or SIGTERM capture ends and what was captured is sent; while the
brokers are away it stays in the spool for the next start. Then the command ends
with 0.

Example:
  sudo syscribe collect --brokers broker-1:9092,broker-2:9092`,
    )
  addConfigFlags(verb, [
    ...clusterKeys,
    ...topicKeys,
    'spoolBytes',
    'dataDir',
    'host',
    'envPrefixList',
    'adiProfileAllowed',
    'containerdSocket',
    'containerdNamespace',
    'captureLimit',
    'ringBytes',
    'queueBytes',
    'hooks',
    'logLevel',
    'metricsPort',
  ])
  verb.action(async () => {
    const config = configFrom(verb, surroundings.env)
    const { collect } = await import('../run/collect.js')
    await collect(config, surroundings)
  })
}
