import { execFile } from 'node:child_process'
import { ServerError } from './server-error.js'

/**
 * Runs a program to its end.
 * @returns what it wrote to stdout.
 * @throws ServerError `start_failed` with what it wrote to stderr.
 */
export function runProgram(
  command: string,
  args: readonly string[],
  options: {
    cwd?: string
    env?: Readonly<Record<string, string>>
    user?: { uid: number; gid: number } | null
    within?: number
  } = {},
): Promise<string> {
  const settings = {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.user ?? {}),
    env: { ...process.env, LANG: 'C', ...options.env },
    timeout: options.within ?? 60_000,
    maxBuffer: 16 << 20,
  }
  return new Promise((resolve, reject) => {
    execFile(command, [...args], settings, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new ServerError('start_failed', `${command} failed: ${error.message}\n${stderr || stdout}`))
    })
  })
}
