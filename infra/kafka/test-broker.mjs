import { givenBroker } from './given-broker.mjs'
import { startKafka } from './kafka-process.mjs'
import { startRegistry } from './registry-process.mjs'
import { sharedBroker } from './shared-broker.mjs'

export async function testBroker() {
  return givenBroker() ?? (await sharedBroker())
}

/**
 * @param {import('./test-broker.d.mts').BrokerSettings} [settings]
 * @param {readonly string[]} [format]
 */
export async function ownBroker(settings, format) {
  return startKafka(settings, format)
}

export async function testRegistry() {
  const given = process.env.SCHEMA_REGISTRY_URL
  if (given !== undefined && given !== '') return { url: given, stop: async () => undefined }
  return startRegistry()
}
