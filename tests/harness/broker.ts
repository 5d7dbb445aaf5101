import type { TestBroker } from '@syscribe/test-broker'
import { afterAll, beforeAll } from 'vitest'

/** A broker that is there for all tests of a file. Call once per test file, and what it returns within tests. */
export function brokerForAll<B extends TestBroker>(open: () => Promise<B>): () => B {
  let broker: B | undefined
  beforeAll(async () => {
    broker = await open()
  }, 180_000)
  afterAll(() => broker?.stop())
  return () => broker as B
}
