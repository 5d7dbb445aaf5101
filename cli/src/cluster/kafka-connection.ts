import { readFileSync } from 'node:fs'
import type { KafkaLogOptions } from '@syscribe/log'
import { type Config, type ConfigKey, settings } from '@syscribe/runtime'
import { CliError } from '../cli-error.js'

/** Settings that say how to reach the cluster, for the verbs that do. */
export const clusterKeys = [
  'brokers',
  'kafkaTls',
  'kafkaTlsCa',
  'kafkaTlsCert',
  'kafkaTlsKey',
  'kafkaSaslMechanism',
  'kafkaSaslUsername',
  'kafkaSaslPasswordFile',
  'kafkaTopicPrefix',
  'schemaRegistryUrl',
  'schemaRegistryUsername',
  'schemaRegistryPasswordFile',
  'group',
] as const satisfies readonly ConfigKey[]

/** Settings of topics that do not exist yet. */
export const topicKeys = [
  'kafkaPartitions',
  'kafkaReplication',
  'retentionBytes',
  'retentionMs',
] as const satisfies readonly ConfigKey[]

/**
 * How to reach the cluster, with certificates and passwords read from their files.
 * @throws CliError `usage` when no brokers are set, or a file cannot be read
 */
export function kafkaConnection(config: Config): KafkaLogOptions {
  const { kafkaReplication, schemaRegistryUrl } = config
  return {
    brokers: [...brokersOf(config)],
    clientId: 'syscribe',
    prefix: config.kafkaTopicPrefix,
    ...optional('tls', tlsOf(config)),
    ...optional('sasl', saslOf(config)),
    ...(schemaRegistryUrl === null
      ? {}
      : { registry: { url: schemaRegistryUrl, ...optional('auth', registryAuthOf(config)) } }),
    ...(kafkaReplication === null ? {} : { replication: kafkaReplication }),
  }
}

/** @throws CliError `usage` when none are set */
export function brokersOf({ brokers }: Pick<Config, 'brokers'>): readonly string[] {
  if (brokers !== null) return brokers
  const { flag, variable } = settings.brokers
  throw new CliError('usage', `no brokers are named: set ${flag} HOST:PORT or ${variable}; syscribe run needs none`)
}

function tlsOf(config: Config) {
  const ca = fileOf(config, 'kafkaTlsCa')
  const cert = fileOf(config, 'kafkaTlsCert')
  const key = fileOf(config, 'kafkaTlsKey')
  const on = config.kafkaTls ?? (ca !== undefined || cert !== undefined)
  return on ? { ...optional('ca', ca), ...optional('cert', cert), ...optional('key', key) } : undefined
}

function saslOf(config: Config) {
  const { kafkaSaslMechanism: mechanism, kafkaSaslUsername: username } = config
  if (mechanism === null || username === null) return undefined
  const password = config.kafkaSaslPassword ?? firstLine(fileOf(config, 'kafkaSaslPasswordFile'))
  return { mechanism, username, password }
}

function registryAuthOf(config: Config) {
  const { schemaRegistryUsername: username } = config
  if (username === null) return undefined
  const password = config.schemaRegistryPassword ?? firstLine(fileOf(config, 'schemaRegistryPasswordFile'))
  return { username, password }
}

function fileOf(config: Config, key: 'kafkaTlsCa' | 'kafkaTlsCert' | 'kafkaTlsKey' | PasswordKey): string | undefined {
  const path = config[key]
  if (path === null) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CliError('usage', `${settings[key].variable}=${JSON.stringify(path)} cannot be read: ${why}`, { cause })
  }
}
type PasswordKey = 'kafkaSaslPasswordFile' | 'schemaRegistryPasswordFile'

/** Editors end a file with a newline that is no part of the password. */
function firstLine(text = ''): string {
  return text.replace(/\r?\n[\s\S]*$/, '')
}

function optional<K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [key in K]?: V }
}
