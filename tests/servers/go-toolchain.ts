import { chmodSync, readdirSync } from 'node:fs'
import { arch } from 'node:os'
import { join } from 'node:path'
import { cacheDirectory } from './cache-directory.js'
import { runProgram } from './run-program.js'
import { findProgram } from './surroundings.js'

/** What is fetched when the machine's Go is older than 1.21. */
const fetched = 'go1.24.9'

/**
 * A Go that builds today's modules. From 1.21 on Go fetches the toolchain a module asks for by itself; an older one, such
 * as Debian 12's, can still download it as the module it is (go.dev/doc/toolchain).
 * @returns its command. @throws ServerError
 */
export async function goToolchain(): Promise<string> {
  const command = findProgram(['/usr/local/go/bin/go', 'go'], 'Go: Debian has it as golang-go')
  const [, minor = '0'] = /^go1\.(\d+)/.exec(await runProgram(command, ['env', 'GOVERSION'])) ?? []
  if (Number(minor) >= 21) return command
  const cwd = await cacheDirectory('go-toolchain')
  const module = `golang.org/toolchain@v0.0.1-${fetched}.linux-${arch() === 'x64' ? 'amd64' : arch()}`
  const said = await runProgram(command, ['mod', 'download', '-json', module], { cwd, within: 300_000 })
  const { Dir: folder } = JSON.parse(said) as { Dir: string }
  // A module's files are not executable.
  for (const programs of ['bin', `pkg/tool/linux_${arch() === 'x64' ? 'amd64' : arch()}`])
    for (const name of readdirSync(join(folder, programs))) chmodSync(join(folder, programs, name), 0o755)
  return join(folder, 'bin/go')
}
