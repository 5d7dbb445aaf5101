import { resolve } from 'node:path'
import type { Command } from 'commander'
import { brokersOf, clusterKeys, topicKeys } from '../cluster/kafka-connection.js'
import { addConfigFlags, configFrom } from '../config-flags.js'
import { paragraphs } from '../help-text.js'
import type { VerbContext } from '../program.js'
import { checkOutput, checkOutputs } from '../run/check-outputs.js'
import { lockFiles, lockOutputs } from '../run/output-lock.js'

export function addProject(program: Command, { surroundings }: VerbContext): void {
  const verb = program
    .command('project')
    .summary('write outputs from a Kafka cluster')
    .description(
      paragraphs(
        'Write outputs from the topics of a Kafka-compatible cluster until stopped: http-log, env-yaml, service-map, or all that have a file. Needs no rights but to write the files. Prints a line starting with the word ready when they are written.',
        'One process writes an output: a second one with the same projection, file and --group takes over, and the first ends. How far it has come is kept in the cluster, so it goes on where it stopped.',
      ),
    )
    .argument(
      '<name...>',
      'names of projections, or all, those of --projections too; or the path of one of your own, with --target',
    )
    .option('--target <file>', 'the file to write, where one projection is named')
    .addHelpText(
      'after',
      `
Examples:
  syscribe project all --brokers broker-1:9092 --service-map map.json
  syscribe project http-log --target http.log
  syscribe project ./slowest-endpoints --target slowest.csv
  syscribe project all --projections ./slowest-endpoints=slowest.csv`,
    )
  addConfigFlags(verb, [
    'outputPath',
    'envOutputPath',
    'serviceMapPath',
    'ownProjections',
    'rawPayload',
    ...clusterKeys,
    ...topicKeys,
    'logLevel',
    'metricsPort',
  ])
  verb.action(async (names: string[]) => {
    const config = configFrom(verb, surroundings.env)
    const { target }: { target?: string } = verb.opts()
    const { projectionsNamed } = await import('../run/named-parts.js')
    const { tasks, outputs } = await projectionsNamed(names, target, config)
    brokersOf(config)
    checkOutputs(outputs)
    const name = `--target ${JSON.stringify(target)}`
    if (target !== undefined) checkOutput(name, resolve(target))
    const locks = target === undefined ? lockOutputs(outputs) : lockFiles([{ name, path: target }])
    try {
      const { runParts } = await import('../run/run-parts.js')
      await runParts(config, { processors: [], projections: tasks }, surroundings)
    } finally {
      locks.release()
    }
  })
}
