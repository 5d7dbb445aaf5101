import { main } from '../src/main.js'
import type { Surroundings } from '../src/surroundings.js'

export interface CommandResult {
  exitCode: number
  stdout: string
  stderr: string
}

/** Runs a command line in this process. */
export async function command(
  args: string[],
  env: Record<string, string> = {},
  stopSignal: AbortSignal = new AbortController().signal,
  onStdout: (text: string) => void = () => {},
  columns = 100,
): Promise<CommandResult> {
  const written = { stdout: '', stderr: '' }
  const output = (name: 'stdout' | 'stderr') => ({
    isTerminal: false,
    columns,
    write: async (text: string) => {
      written[name] += text
      if (name === 'stdout') onStdout(text)
    },
  })
  const surroundings: Surroundings = {
    env,
    stdout: output('stdout'),
    stderr: output('stderr'),
    stopSignal: () => stopSignal,
  }
  const exitCode = await main(args, surroundings)
  return { exitCode, ...written }
}

/** The JSON objects of the lines of a text. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into them as they like
export function jsonLines(text: string): any[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}
