import type { Command } from 'commander'
import { clusterKeys, topicKeys } from '../cluster/kafka-connection.js'
import { addConfigFlags, configFrom } from '../config-flags.js'
import { paragraphs } from '../help-text.js'
import type { VerbContext } from '../program.js'

export function addProcess(program: Command, { surroundings }: VerbContext): void {
  const verb = program
    .command('process')
    .summary('run processors on a Kafka cluster')
    .description(
      paragraphs(
        'Run processors on the topics of a Kafka-compatible cluster until stopped: http-parser, protocol-classifier, env-reader, container-enricher, or all of them. Needs no rights. Prints a line starting with the word ready when they run.',
        'Start it as often as you like, on any machine: the processes share the work by partition, and when one ends or dies the others take its share. What it had committed counts, the rest is done again: nothing is lost and nothing is there twice.',
      ),
    )
    .argument('<name...>', 'names of processors, or all')
    .addHelpText(
      'after',
      `
Examples:
  syscribe process all --brokers broker-1:9092
  syscribe process http-parser --metrics-port 9464`,
    )
  addConfigFlags(verb, [...clusterKeys, ...topicKeys, 'logLevel', 'metricsPort'])
  verb.action(async (names: string[]) => {
    const config = configFrom(verb, surroundings.env)
    const { processorsNamed } = await import('../run/named-parts.js')
    const processors = processorsNamed(names)
    const { runParts } = await import('../run/run-parts.js')
    await runParts(config, { processors, projections: [] }, surroundings)
  })
}
