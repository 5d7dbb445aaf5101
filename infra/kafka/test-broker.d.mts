/** A Kafka-compatible broker to test against. */
export interface TestBroker {
  /** `given` by KAFKA_BROKERS, Redpanda in a container, or Apache Kafka from Maven. */
  readonly kind: 'given' | 'redpanda' | 'kafka'
  /** host:port of each broker. */
  readonly brokers: string[]
  /** Gives it back; a shared one goes on while others use it. */
  stop(): Promise<void>
}

/** A broker of its own, to be killed and restarted: always Apache Kafka on local Java, on ports that stay the same. */
export interface OwnBroker extends TestBroker {
  readonly kind: 'kafka'
  /** Of the broker's process, null while it is down. */
  readonly pid: number | null
  /** Kills it with SIGKILL, with no chance to write anything down. */
  kill9(): Promise<void>
  /** Starts it again after `kill9`; resolves when it answers. */
  restart(): Promise<void>
  /** Stops it (SIGSTOP): connections stay, nothing answers. */
  pause(): void
  resume(): void
}

/**
 * The broker that all test files, processes and runs of this user on this machine share. Isolate yourself by a random
 * prefix of topics, groups and transactional ids. It ends some seconds after its last user is gone, however that ends.
 */
export function testBroker(): Promise<TestBroker>

/** Lines of server.properties, over the ones it has; of the ports of its listeners for clients and for the controller. */
export type BrokerSettings = Record<string, string> | ((port: number, controllerPort: number) => Record<string, string>)

/** The heap, collector and compiler of Kafka's own start scripts, for what is measured. */
export const asInstalled: readonly string[]

/**
 * @param format more arguments for formatting its folder, such as `--add-scram`
 * @param jvm options of the Java virtual machine; left out: a small one that is ready soon and compiles little
 */
export function ownBroker(
  settings?: BrokerSettings,
  format?: readonly string[],
  jvm?: readonly string[],
): Promise<OwnBroker>

/** A schema registry that speaks Confluent's API: Apicurio, in memory. */
export interface TestRegistry {
  /** Base URL of the API, as a Confluent client takes it. */
  readonly url: string
  stop(): Promise<void>
}

/** `SCHEMA_REGISTRY_URL` if set, else one of its own. Ready in 6 s or so. */
export function testRegistry(): Promise<TestRegistry>

/** Apache Kafka's jars from Maven Central, fetched once; resolves to their folder. */
export function kafkaJars(): Promise<string>

/** Apicurio's registry, unpacked, one of its files a `*-runner.jar`; resolves to its folder. */
export function registryJars(): Promise<string>
