import type { Config } from './config.js'
import { ConfigError } from './config-error.js'
import { settings } from './config-table.js'

type Key = keyof typeof settings

/**
 * Settings that make no sense without, or beside, one another.
 * @throws ConfigError naming the one at fault
 */
export function checkTogether(config: Config): void {
  const needs = (key: Key, other: Key) => {
    if (config[key] !== null && config[other] === null) throw fault(other, `is needed with ${settings[key].variable}`)
  }
  const excludes = (key: Key, other: Key) => {
    if (config[key] === null || config[other] === null) return
    throw fault(other, `cannot be set beside ${settings[key].variable}: choose one`)
  }
  needs('kafkaTlsCert', 'kafkaTlsKey')
  needs('kafkaTlsKey', 'kafkaTlsCert')
  needs('kafkaSaslMechanism', 'kafkaSaslUsername')
  needs('kafkaSaslUsername', 'kafkaSaslMechanism')
  needs('schemaRegistryPassword', 'schemaRegistryUsername')
  needs('schemaRegistryPasswordFile', 'schemaRegistryUsername')
  excludes('kafkaSaslPassword', 'kafkaSaslPasswordFile')
  excludes('schemaRegistryPassword', 'schemaRegistryPasswordFile')
  if (config.kafkaSaslMechanism !== null && config.kafkaSaslPasswordFile === null) {
    needs('kafkaSaslMechanism', 'kafkaSaslPassword')
  }
  const { kafkaTls, kafkaTlsCa, kafkaTlsCert } = config
  if (kafkaTls === false && (kafkaTlsCa ?? kafkaTlsCert) !== null) {
    throw fault(
      'kafkaTls',
      `is off, but ${settings[kafkaTlsCa === null ? 'kafkaTlsCert' : 'kafkaTlsCa'].variable} is set`,
    )
  }
  // Who says how to reach brokers means some: without their names the log would be the embedded one, and nobody told.
  if (config.kafkaTls === true) needs('kafkaTls', 'brokers')
  needs('kafkaTlsCa', 'brokers')
  needs('kafkaTlsCert', 'brokers')
  needs('kafkaSaslMechanism', 'brokers')
}

function fault(key: Key, what: string): ConfigError {
  const { variable } = settings[key]
  return new ConfigError(variable, '', `${variable} ${what}`)
}
