import { hostname } from 'node:os'
import type { z } from 'zod'
import { ConfigError } from './config-error.js'
import { type Setting, settings } from './config-table.js'

type Value<K extends keyof typeof settings> = z.output<(typeof settings)[K]['schema']>

/** What Syscribe was told, parsed. The settings, their defaults and meaning: config-table.ts. */
export interface Config {
  outputPath: Value<'outputPath'>
  envOutputPath: Value<'envOutputPath'>
  /** Null: no service map. */
  serviceMapPath: Value<'serviceMapPath'> | null
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
  return Object.fromEntries(entries) as unknown as Config
}

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
  throw new ConfigError(setting.variable, text, `${name}=${JSON.stringify(text)}: ${reasons}`)
}
