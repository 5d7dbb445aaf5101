import { hostname } from 'node:os'
import type { z } from 'zod'
import { ConfigError } from './config-error.js'
import type { Setting } from './config-setting.js'
import { settings } from './config-table.js'
import { checkTogether } from './config-together.js'

type Value<K extends keyof typeof settings> = z.output<(typeof settings)[K]['schema']>

/** What Syscribe was told, parsed. The settings, their defaults and meaning: config-table.ts, config-kafka.ts. */
export interface Config {
  outputPath: Value<'outputPath'>
  envOutputPath: Value<'envOutputPath'>
  /** Null: no service map. */
  serviceMapPath: Value<'serviceMapPath'> | null
  /** Projections of the user's own: paths of a module and of its file. */
  ownProjections: Value<'ownProjections'> | null
  /** Null: every variable is collected. */
  envPrefixList: Value<'envPrefixList'> | null
  /** Null: any value of ADI_PROFILE opts in. */
  adiProfileAllowed: Value<'adiProfileAllowed'> | null
  /** Null: containers are not named. */
  containerdSocket: Value<'containerdSocket'> | null
  containerdNamespace: Value<'containerdNamespace'>
  dataDir: Value<'dataDir'>
  host: Value<'host'>
  rawPayload: Value<'rawPayload'>
  /** Bytes of one message. */
  captureLimit: Value<'captureLimit'>
  ringBytes: Value<'ringBytes'>
  queueBytes: Value<'queueBytes'>
  hooks: Value<'hooks'>
  logLevel: Value<'logLevel'>
  /** Bytes of a partition; null: no limit. */
  retentionBytes: Value<'retentionBytes'>
  /** Milliseconds; null: for ever. */
  retentionMs: Value<'retentionMs'>
  /** Null: metrics are not served. */
  metricsPort: Value<'metricsPort'> | null
  /** HOST:PORT each; null: the embedded log. What follows concerns a cluster only. */
  brokers: Value<'brokers'> | null
  /** Null: on when an authority or a certificate is set. */
  kafkaTls: Value<'kafkaTls'> | null
  kafkaTlsCa: Value<'kafkaTlsCa'> | null
  kafkaTlsCert: Value<'kafkaTlsCert'> | null
  kafkaTlsKey: Value<'kafkaTlsKey'> | null
  /** Null: no SASL. */
  kafkaSaslMechanism: Value<'kafkaSaslMechanism'> | null
  kafkaSaslUsername: Value<'kafkaSaslUsername'> | null
  kafkaSaslPassword: Value<'kafkaSaslPassword'> | null
  kafkaSaslPasswordFile: Value<'kafkaSaslPasswordFile'> | null
  kafkaTopicPrefix: Value<'kafkaTopicPrefix'>
  kafkaPartitions: Value<'kafkaPartitions'>
  /** Null: the brokers' default. */
  kafkaReplication: Value<'kafkaReplication'> | null
  /** Null: no registry. */
  schemaRegistryUrl: Value<'schemaRegistryUrl'> | null
  schemaRegistryUsername: Value<'schemaRegistryUsername'> | null
  schemaRegistryPassword: Value<'schemaRegistryPassword'> | null
  schemaRegistryPasswordFile: Value<'schemaRegistryPasswordFile'> | null
  group: Value<'group'> | null
  spoolBytes: Value<'spoolBytes'>
}

export type ConfigKey = keyof Config

export interface ConfigSource {
  /** Environment variables, such as process.env. */
  env?: Readonly<Record<string, string | undefined>>
  /** Values of flags by setting (`outputPath`), as text. They win over the environment. */
  flags?: Readonly<Partial<Record<ConfigKey, string>>>
}

/**
 * The configuration, from flags, then variables, then defaults. An empty text counts as not set.
 * @throws ConfigError `config_invalid` naming variable and value of the first setting at fault.
 */
export function parseConfig(source: ConfigSource = {}): Config {
  const entries = (Object.keys(settings) as ConfigKey[]).map((key) => [key, settingValue(key, source)])
  const config = Object.fromEntries(entries) as unknown as Config
  checkTogether(config)
  return config
}

/** Stands for a text that must not be shown. */
const hidden = '(not shown)'

function settingValue(key: ConfigKey, source: ConfigSource): unknown {
  const setting: Setting = settings[key]
  const flag = source.flags?.[key] ?? ''
  const variable = source.env?.[setting.variable] ?? ''
  const text = flag !== '' ? flag : variable !== '' ? variable : setting.default
  if (text === null) return key === 'host' ? hostname() : null
  const parsed = setting.schema.safeParse(text)
  if (parsed.success) return parsed.data
  const name = flag !== '' ? `${setting.flag} (${setting.variable})` : setting.variable
  const reasons = [...new Set(parsed.error.issues.map((issue) => issue.message))].join('; ')
  const shown = (setting.shows?.(text) ?? true) ? text : hidden
  throw new ConfigError(setting.variable, shown, `${name}=${JSON.stringify(shown)}: ${reasons}`)
}
