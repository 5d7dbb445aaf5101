import { spawn } from 'node:child_process'
import { once } from 'node:events'

export interface CommandCost {
  wallSeconds: number
  /** User and system time of the command and the children it waited for. */
  cpuSeconds: number
}

/** Runs a command through bash's `time`, its output thrown away. @throws when it fails, with its stderr. */
export async function commandCost(command: string, args: string[]): Promise<CommandCost> {
  const script = 'TIMEFORMAT="cost %R %U %S"; time "$@" >/dev/null'
  const child = spawn('bash', ['-c', script, 'bash', command, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const [code] = await once(child, 'close')
  const [, real, user, system] = /cost ([\d.]+) ([\d.]+) ([\d.]+)/.exec(stderr) ?? []
  if (code !== 0 || real === undefined) throw new Error(`${command} ended with ${code}:\n${stderr}`)
  return { wallSeconds: Number(real), cpuSeconds: Number(user) + Number(system) }
}
