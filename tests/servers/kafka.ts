import { ownBroker } from '@syscribe/test-broker'
import type { RunningServer } from './running-server.js'

/** One Apache Kafka broker, its own controller. Topics are made by an admin client. */
export async function start(): Promise<RunningServer> {
  const broker = await ownBroker()
  const port = Number(String(broker.brokers[0]).split(':')[1])
  return { port, pid: broker.pid as number, stop: () => broker.stop() }
}
