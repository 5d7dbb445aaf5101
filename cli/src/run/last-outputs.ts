import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Config, settings } from '@syscribe/runtime'
import { outputKeys } from './check-outputs.js'

/** Variables as the last run in this data directory had them, as far as they concern the outputs. */
export type OutputVariables = Readonly<Record<string, string>>

const fileName = 'outputs.json'

/** Remembers where this run writes, so that a replay later finds the files without being told. */
export function rememberOutputs(config: Config): void {
  const variables: Record<string, string> = { [settings.rawPayload.variable]: config.rawPayload ? '1' : '0' }
  for (const key of outputKeys) variables[settings[key].variable] = config[key] ?? ''
  const own = (config.ownProjections ?? []).map(({ module, target }) => `${resolve(module)}=${target}`)
  variables[settings.ownProjections.variable] = own.join(',')
  const path = join(config.dataDir, fileName)
  writeFileSync(`${path}.new`, `${JSON.stringify(variables, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

/** Empty when nothing ever ran there. */
export function lastOutputs(dataDir: string): OutputVariables {
  try {
    return JSON.parse(readFileSync(join(dataDir, fileName), 'utf8'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw error
  }
}
