import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafkaJars, run } from './maven-jars.mjs'
import { freePort, listens, startProgram } from './program.mjs'

/** Small, and soon ready: for tests. */
const quickStart = ['-Xms64m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

/**
 * Starts Apache Kafka from nothing: one node, its own controller (KRaft), in a temporary folder.
 * @param {import('./test-broker.d.mts').BrokerSettings} [settings]
 * @param {readonly string[]} [format] more arguments for formatting its folder
 * @param {readonly string[]} [jvm] how the virtual machine runs
 * @returns {Promise<import('./test-broker.d.mts').OwnBroker>}
 */
export async function startKafka(settings = {}, format = [], jvm = quickStart) {
  const classpath = join(await kafkaJars(), '*')
  const folder = await mkdtemp(join(tmpdir(), 'syscribe-kafka-'))
  const [port, controller] = [await freePort(), await freePort()]
  const properties = join(folder, 'server.properties')
  const lines = {
    ...defaults(port, controller, join(folder, 'data')),
    ...(typeof settings === 'function' ? settings(port, controller) : settings),
  }
  await writeFile(
    properties,
    Object.entries(lines)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  const logging = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'
  const java = [...jvm, logging, '-cp', classpath]
  const start = () =>
    startProgram('java', [...java, 'kafka.Kafka', properties], {
      cwd: folder,
      name: 'Kafka',
      ready: () => listens(port),
    })
  /** @type {Awaited<ReturnType<typeof start>> | null} */
  let process = null
  const kill9 = async () => {
    await process?.kill()
    process = null
  }
  try {
    const id = randomUUID().replaceAll('-', '').slice(0, 22)
    await run('java', [...java, 'kafka.tools.StorageTool', 'format', '-t', id, '-c', properties, ...format], folder)
    process = await start()
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  return {
    kind: 'kafka',
    brokers: [`127.0.0.1:${port}`],
    get pid() {
      return process?.pid ?? null
    },
    kill9,
    restart: async () => {
      await kill9()
      process = await start()
    },
    pause: () => void process?.signal('SIGSTOP'),
    resume: () => void process?.signal('SIGCONT'),
    stop: async () => {
      // Its data goes with it, so it need not write anything down.
      await kill9()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** @param {number} port @param {number} controller @param {string} data @returns {Record<string, string>} */
function defaults(port, controller, data) {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': data,
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    // Fewer partitions of the internal topics: a restart opens each of them.
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.num.partitions': '4',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'auto.create.topics.enable': 'false',
    // A broker killed with SIGKILL is let in again when its session is over.
    'broker.session.timeout.ms': '1500',
    'broker.heartbeat.interval.ms': '300',
  }
}
