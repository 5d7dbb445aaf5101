#!/usr/bin/env node
// In an image that stands for Redpanda's: `rpk redpanda start OPTIONS` with the options of infra/compose.yaml runs Apache
// Kafka and Apicurio's registry; `rpk cluster health` ends with 0 when both answer.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { connect } from 'node:net'

const data = '/var/lib/redpanda/data'
const registryPort = 8082
const [verb, ...args] = process.argv.slice(2)

if (verb === 'cluster') {
  const answer = await fetch('http://127.0.0.1:8081/subjects')
  if (!answer.ok) throw new Error(`the registry answers ${answer.status}`)
  await new Promise((resolve, reject) => {
    const broker = connect(9092, '127.0.0.1', () => resolve(broker.destroy()))
    broker.once('error', reject)
  })
} else start(Object.fromEntries(args.slice(1).map((arg) => arg.replace(/^--/, '').split(/=(.*)/s))))

/** @param {Record<string, string>} options */
function start(options) {
  const upper = (addresses) => addresses.replaceAll(/(\w+):\/\//g, (_, name) => `${name.toUpperCase()}://`)
  const properties = '/tmp/server.properties'
  const lines = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': '1@127.0.0.1:9093',
    listeners: `${upper(options['kafka-addr'])},CONTROLLER://127.0.0.1:9093`,
    'advertised.listeners': upper(options['advertise-kafka-addr']),
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'INSIDE',
    'log.dirs': data,
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'group.initial.rebalance.delay.ms': '0',
  }
  mkdirSync(data, { recursive: true })
  writeFileSync(
    properties,
    Object.entries(lines)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  const java = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', '/opt/kafka/*']
  if (!existsSync(`${data}/meta.properties`)) {
    execFileSync('java', [
      ...java,
      'kafka.tools.StorageTool',
      'format',
      '-t',
      'c3lzY3JpYmUtc3RhbmQtaW',
      '-c',
      properties,
    ])
  }
  const runner = readdirSync('/opt/registry').find((name) => name.endsWith('-runner.jar'))
  const env = { ...process.env, QUARKUS_HTTP_PORT: `${registryPort}`, QUARKUS_HTTP_HOST: '127.0.0.1' }
  const registry = ['-Xmx384m', '-XX:TieredStopAtLevel=1', '-jar', `/opt/registry/${runner}`]
  const servers = [
    spawn('java', [...java, 'kafka.Kafka', properties], { stdio: 'inherit' }),
    spawn('java', registry, { cwd: '/opt/registry', env, stdio: 'inherit' }),
  ]
  for (const server of servers) server.once('exit', (code) => process.exit(code ?? 1))
  process.on('SIGTERM', () => process.exit(0))
  // Redpanda's registry has Confluent's API at its root.
  createServer((asked, answer) => {
    const { method, headers, url } = asked
    const options = { port: registryPort, method, headers, path: `/apis/ccompat/v7${url}` }
    const passed = request(options, (got) => got.pipe(answer.writeHead(got.statusCode, got.headers)))
    passed.on('error', () => answer.writeHead(503).end())
    asked.pipe(passed)
  }).listen(Number(options['schema-registry-addr'].split(':')[1]))
}
