import { resolve } from 'node:path'
import { type Config, type ConfigKey, parseConfig, settings, settingsHelp } from '@syscribe/runtime'
import { type Command, Option } from 'commander'

/**
 * Adds the flags of settings to a verb; parsing is left to the configuration, so a flag and its variable agree.
 * @param more.otherwise says what this verb does without a value, where that is not the setting's default.
 */
export function addConfigFlags(
  command: Command,
  keys: readonly ConfigKey[] = allKeys,
  more: { otherwise?: Partial<Record<ConfigKey, string>> } = {},
): void {
  for (const row of settingsHelp()) {
    if (!keys.includes(row.key)) continue
    if (row.flag === null) continue
    const setting = settings[row.key]
    const otherwise = more.otherwise?.[row.key] ?? `default: ${row.default}`
    const flag = `${setting.flag} <${setting.argument}>`
    command.addOption(new Option(flag, `${row.meaning} (${row.variable}; ${otherwise})`))
  }
}

export const allKeys = Object.keys(settings) as ConfigKey[]

/**
 * The configuration from a verb's flags and the environment, the files of outputs with their whole paths.
 * @throws ConfigError
 */
export function configFrom(command: Command, env: Readonly<Record<string, string | undefined>>): Config {
  const options: Record<string, unknown> = command.opts()
  const flags: Partial<Record<ConfigKey, string>> = {}
  for (const key of allKeys) {
    const { flag } = settings[key]
    if (flag === null) continue
    const value = options[new Option(`${flag} <x>`).attributeName()]
    if (typeof value === 'string') flags[key] = value
  }
  return fromAnyFolder(parseConfig({ env, flags }))
}

/** The place in the log is kept by the output's path: it has to mean the same file in whatever folder the next run starts. */
function fromAnyFolder(config: Config): Config {
  return {
    ...config,
    outputPath: resolve(config.outputPath),
    envOutputPath: resolve(config.envOutputPath),
    serviceMapPath: config.serviceMapPath === null ? null : resolve(config.serviceMapPath),
    ownProjections: config.ownProjections?.map((own) => ({ ...own, target: resolve(own.target) })) ?? null,
  }
}
