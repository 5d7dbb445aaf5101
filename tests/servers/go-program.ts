import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cacheDirectory } from './cache-directory.js'
import { goToolchain } from './go-toolchain.js'
import { runProgram } from './run-program.js'

/** A program of a Go module that Debian has no package of. */
export interface GoProgram {
  name: string
  /** Module path and version; the Go module proxy has it. */
  module: string
  version: string
  /** Of Go, that the module needs. */
  go: string
  /** Its main package; without one, `files` has a `main.go` that uses the module. */
  package?: string
  /** Files beside go.mod, by path. */
  files?: Readonly<Record<string, string>>
  /** Modules to take from a folder among `files`: what a module replaces for itself does not count where it is used. */
  replace?: Readonly<Record<string, string>>
}

const withinMs = 900_000

/**
 * Builds a program from the Go module proxy, once.
 * @returns its path. @throws ServerError
 */
export async function buildGoProgram(program: GoProgram): Promise<string> {
  const { name, module, version, go, files = {}, replace = {} } = program
  const directory = await cacheDirectory(`${name}-${version}`)
  const path = join(directory, name)
  if (existsSync(path)) return path
  const command = await goToolchain()
  const replaced = Object.entries(replace).map(([from, to]) => `replace ${from} => ${to}\n`)
  const definition = `module tests/${name}\n\ngo ${go}\n\nrequire ${module} ${version}\n${replaced.join('')}`
  const folder = await mkdtemp(join(directory, 'build-'))
  try {
    for (const [file, text] of Object.entries({ 'go.mod': definition, ...files })) {
      await mkdir(dirname(join(folder, file)), { recursive: true })
      await writeFile(join(folder, file), text)
    }
    const build = [command, 'build', '-mod=mod', '-o', `${path}.new`, program.package ?? '.']
    // Test files run side by side: one builds, the others wait.
    const once = ['sh', '-c', 'test -e "$0" || { "$@" && mv "$0.new" "$0"; }', path, ...build]
    const options = { cwd: folder, env: { CGO_ENABLED: '0' }, within: withinMs }
    await runProgram('flock', [join(directory, 'lock'), ...once], options)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return path
}
