import { run } from './program.js'
import { syscribeBin } from './syscribe-process.js'

/** A record as `syscribe log show` prints it. */
export interface ShownRecord {
  topic: string
  timestamp: string
  kind: string
  value: Record<string, unknown>
}

/** Records of one kind in a topic of a data directory, or of the cluster that `env` names. */
export async function recordsOf(
  dataDir: string,
  topic: string,
  kind: string,
  env: Record<string, string> = {},
): Promise<ShownRecord[]> {
  const args = [syscribeBin, 'log', 'show', topic, '--data-dir', dataDir, '--filter', `kind=${kind}`]
  const { stdout } = await run({ command: process.execPath, args, env })
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}
