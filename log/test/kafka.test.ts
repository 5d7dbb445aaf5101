import { type TestBroker, testBroker } from '@syscribe/test-broker'
import { afterAll, beforeAll } from 'vitest'
import { logContract } from './contract/log-contract.js'
import { kafkaEngine } from './kafka/engine.js'

let broker: TestBroker
beforeAll(async () => {
  broker = await testBroker()
}, 300_000)
afterAll(() => broker.stop())

logContract(
  'kafka log',
  kafkaEngine(() => broker),
)
