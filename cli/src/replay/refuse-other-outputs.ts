import type { Config } from '@syscribe/runtime'
import { parseConfig } from '@syscribe/runtime'
import { CliError } from '../cli-error.js'
import { lastOutputs } from '../run/last-outputs.js'
import { allProjectionTasks } from '../run/own-projections.js'
import type { ReplayOrder } from './control-protocol.js'

/**
 * Makes sure that what `syscribe run` will build again is what this command was asked for: it builds its own outputs,
 * with its own settings.
 * @throws CliError `usage` naming the output, and where it is written
 */
export async function refuseOtherOutputs(config: Config, order: ReplayOrder): Promise<void> {
  const remembered = lastOutputs(config.dataDir)
  if (Object.keys(remembered).length === 0) return
  const running = parseConfig({ env: remembered })
  const targets = new Map(
    (await allProjectionTasks(running)).map(({ projection, target }) => [projection.name, target]),
  )
  for (const { projection, target } of await allProjectionTasks(config)) {
    const { name } = projection
    if ('projection' in order && order.projection !== name) continue
    const there = targets.get(name)
    if (there !== target) {
      const where = there === undefined ? 'does not write it' : `writes it to ${there}`
      throw refusal(`${name} to ${target}: the syscribe run of this data directory ${where}`, name)
    }
    if (name === 'http-log' && config.rawPayload !== running.rawPayload) {
      const how = running.rawPayload ? 'with' : 'without'
      throw refusal(`${name} otherwise: the syscribe run of this data directory writes it ${how} raw_payload`, name)
    }
  }
}

function refusal(fault: string, name: string): CliError {
  const remedy = `leave that option or variable out, or write another file: syscribe replay ${name} --into FILE`
  return new CliError('usage', `cannot build ${fault}`, { remedy })
}
