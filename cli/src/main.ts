import { type Command, CommanderError } from 'commander'
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
    // Help of a verb that is not there would be that of all: without the option, commander says what is wrong.
    await program.parseAsync(unknownVerb(program, args) ?? [...args], { from: 'user' })
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

/** The words up to one that should be a verb, or one of a verb's own, and is none; null when all are. */
function unknownVerb(program: Command, args: readonly string[]): string[] | null {
  let command = program
  const words: string[] = []
  for (const word of args) {
    if (command.commands.length === 0) return null
    // Options of those that have verbs take no values.
    if (word.startsWith('-') || (word === 'help' && words.length === 0)) continue
    words.push(word)
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word))
    if (next === undefined) return words
    command = next
  }
  return null
}
