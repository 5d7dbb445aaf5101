import { chmodSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Makes a directory and those above it, only for their owner; those that exist keep their mode. Node's own recursive
 * mkdir never returns where the file system takes no directories (below /proc, for example).
 * @throws the error of mkdir(2)
 */
export function makeDirectory(path: string): void {
  const missing: string[] = []
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const fault = attempt(folder)
    if (fault === 'missing parent' && dirname(folder) !== folder) missing.push(folder)
    else break
  }
  for (const folder of missing.reverse()) {
    if (attempt(folder) === 'missing parent') mkdirSync(folder)
  }
}

function attempt(folder: string): 'made' | 'exists' | 'missing parent' {
  try {
    mkdirSync(folder, { mode: 0o700 })
    chmodSync(folder, 0o700) // whatever the umask
    return 'made'
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST') return 'exists'
    if (code === 'ENOENT') return 'missing parent'
    throw error
  }
}
