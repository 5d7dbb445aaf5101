// A broker to try things on by hand: node infra/kafka/by-hand.mjs
import { ownBroker } from './test-broker.mjs'

const broker = await ownBroker()
process.stdout.write(`KAFKA_BROKERS=${broker.brokers.join(',')}\n`)
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.once(signal, () => void broker.stop().then(() => process.exit(0)))
}
