import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDirectory } from './cache-directory.js'
import { runProgram } from './run-program.js'
import { type RunningServer, startServer } from './running-server.js'
import { findProgram, freePort, temporaryDirectory } from './surroundings.js'

const version = '4.4.0'
const install = 'apt-get install openjdk-17-jre-headless maven'

/** Fetches Apache Kafka's jars from Maven Central, once. @returns their directory. @throws ServerError */
export async function fetchKafka(): Promise<string> {
  const directory = await cacheDirectory(`kafka-${version}`)
  const libs = join(directory, 'libs')
  if (existsSync(join(directory, 'complete'))) return libs
  const maven = findProgram(['mvn'], install)
  await writeFile(join(directory, 'pom.xml'), pom)
  const copy = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
  const options = ['-B', '-q', '-ntp', copy, '-DincludeScope=runtime', `-DoutputDirectory=${libs}`]
  await runProgram(maven, options, { cwd: directory, within: 300_000 })
  await writeFile(join(directory, 'complete'), '')
  return libs
}

/** One Apache Kafka broker, its own controller. Topics are made by an admin client. @throws ServerError */
export async function start(): Promise<RunningServer> {
  const java = findProgram(['java'], install)
  const classpath = join(await fetchKafka(), '*')
  const directory = await temporaryDirectory('kafka', null)
  const [port, controller] = [await freePort(), await freePort()]
  const properties = join(directory.path, 'server.properties')
  await writeFile(properties, settings(port, controller, join(directory.path, 'data')))
  try {
    const format = [
      '-cp',
      classpath,
      'kafka.tools.StorageTool',
      'format',
      '-t',
      'syscribe-tests-cluster',
      '-c',
      properties,
    ]
    await runProgram(java, format, { cwd: directory.path })
    return await startServer({
      name: 'Kafka',
      command: java,
      args: [
        ...['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
        '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
        ...['-cp', classpath, 'kafka.Kafka', properties],
      ],
      port,
      cwd: directory.path,
      stopSignal: 'SIGKILL',
      cleanUp: directory.remove,
    })
  } catch (error) {
    await directory.remove()
    throw error
  }
}

function settings(port: number, controller: number, data: string): string {
  const replication = [
    'offsets.topic.replication.factor',
    'transaction.state.log.replication.factor',
    'transaction.state.log.min.isr',
  ]
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${controller}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names=CONTROLLER',
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name=PLAINTEXT',
    `log.dirs=${data}`,
    ...replication.map((name) => `${name}=1`),
    'share.coordinator.state.topic.replication.factor=1',
    'share.coordinator.state.topic.min.isr=1',
    'group.initial.rebalance.delay.ms=0',
    'auto.create.topics.enable=false',
    '',
  ].join('\n')
}

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>syscribe</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${version}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`
