import { type TestBroker, type TestRegistry, testBroker, testRegistry } from '@syscribe/test-broker'
import { afterAll, beforeAll } from 'vitest'

/**
 * A broker and a schema registry that are there for all tests of a file. Call once per file; what it returns gives, within
 * tests, the options of a log there.
 */
export function withRegistry(): () => { brokers: string[]; registry: { url: string } } {
  let broker: TestBroker
  let registry: TestRegistry
  beforeAll(async () => {
    ;[broker, registry] = await Promise.all([testBroker(), testRegistry()])
  }, 300_000)
  afterAll(async () => {
    await broker.stop()
    await registry.stop()
  })
  return () => ({ brokers: broker.brokers, registry: { url: registry.url } })
}
