import { givenBroker } from './given-broker.mjs'
import { startKafka } from './kafka-process.mjs'
import { startRegistry } from './registry-process.mjs'
import { sharedBroker } from './shared-broker.mjs'

export { kafkaJars, registryJars } from './maven-jars.mjs'

export async function testBroker() {
  return givenBroker() ?? (await sharedBroker())
}

/** As Kafka's own start scripts run it (bin/kafka-server-start.sh, bin/kafka-run-class.sh). */
export const asInstalled = [
  '-Xms1g',
  '-Xmx1g',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
]

/**
 * @param {import('./test-broker.d.mts').BrokerSettings} [settings]
 * @param {readonly string[]} [format]
 * @param {readonly string[]} [jvm]
 */
export async function ownBroker(settings, format, jvm) {
  return startKafka(settings, format, jvm)
}

export async function testRegistry() {
  const given = process.env.SCHEMA_REGISTRY_URL
  if (given !== undefined && given !== '') return { url: given, stop: async () => undefined }
  return startRegistry()
}
