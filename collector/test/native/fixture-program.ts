import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const directory = fileURLToPath(new URL('../../build/test/', import.meta.url))

/** Path of a C program of this folder, compiled when its source, or a header here, is newer. */
export function fixtureProgram(name: string): string {
  const source = fileURLToPath(new URL(`./${name}.c`, import.meta.url))
  const program = directory + name
  const folder = fileURLToPath(new URL('.', import.meta.url))
  const sources = readdirSync(folder)
    .filter((file) => file.endsWith('.h'))
    .map((file) => folder + file)
  const changed = Math.max(...[source, ...sources].map((file) => statSync(file).mtimeMs))
  if (!existsSync(program) || statSync(program).mtimeMs < changed) {
    mkdirSync(directory, { recursive: true })
    const fresh = `${program}.${process.pid}`
    execFileSync('cc', ['-O1', '-Wall', '-Werror', '-pthread', '-o', fresh, source])
    renameSync(fresh, program)
  }
  return program
}
