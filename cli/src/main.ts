import { CommanderError } from 'commander'
import { explainError } from './explain-error.js'
import { createProgram } from './program.js'
import type { Surroundings } from './surroundings.js'

/** Runs one command line; returns the exit code: 0 fine, 1 fault, 2 bad usage or configuration. */
export async function main(args: readonly string[], surroundings: Surroundings): Promise<number> {
  let exitCode = 0
  const program = createProgram(surroundings, (code) => {
    exitCode = code
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    // Commander has said what is wrong, or shown the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    // The reader of our output (head, less) has gone: nothing is wrong.
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return 0
    const explained = explainError(error)
    const text = explained?.message ?? (error instanceof Error ? error.stack : undefined) ?? String(error)
    await surroundings.stderr.write(`syscribe: ${text}\n`).catch(() => {})
    return explained?.exitCode ?? 1
  }
}
