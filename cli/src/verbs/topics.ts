import type { Command } from 'commander'
import { updateTopics } from '../cluster/create-topics.js'
import { brokersOf, clusterKeys, topicKeys } from '../cluster/kafka-connection.js'
import { addConfigFlags, configFrom } from '../config-flags.js'
import { paragraphs } from '../help-text.js'
import { topicsTable } from '../log/list-topics.js'
import { openClusterLog } from '../open-log.js'
import type { VerbContext } from '../program.js'

export function addTopics(program: Command, { surroundings }: VerbContext): void {
  const topics = program
    .command('topics')
    .summary('create the topics of a Kafka cluster')
    .description('Create the topics of a Kafka-compatible cluster; syscribe log topics lists them')
  const verb = topics
    .command('create')
    .summary('create the topics, or check them')
    .description(
      paragraphs(
        'Create the topics of a Kafka-compatible cluster as the settings say, and show them. Those that exist get the retention that is set; one that has other partitions or another way of cleaning is an error. Can be run again at any time.',
        'Every part creates the topics that it misses: this is for those who would rather do it beforehand, or change the retention.',
      ),
    )
    .addHelpText(
      'after',
      `
Example:
  syscribe topics create --brokers broker-1:9092 --partitions 12 --replication 3`,
    )
  addConfigFlags(verb, [...clusterKeys, ...topicKeys])
  verb.action(async () => {
    const config = configFrom(verb, surroundings.env)
    brokersOf(config)
    const log = await openClusterLog(config)
    try {
      await updateTopics(log, config)
      await surroundings.stdout.write(topicsTable(await log.describeTopics()))
    } finally {
      await log.close()
    }
  })
}
