import { accessSync, constants, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DemoError } from './demo-error.js'

/** Debian's folder of PostgreSQL programs: one sub-folder per major version. */
const postgresFolder = '/usr/lib/postgresql'

/**
 * Where a server's program is: Debian's PostgreSQL folder (newest version first), the system's folders, the path.
 * @throws DemoError `server_missing`
 */
export function programPath(name: string): string {
  const folders = [
    ...postgresFolders(),
    '/usr/sbin',
    '/usr/bin',
    ...(process.env.PATH ?? '').split(':').filter((folder) => folder.startsWith('/')),
  ]
  const found = folders.map((folder) => join(folder, name)).find(isExecutable)
  if (found === undefined) throw new DemoError('server_missing', `${name} is not installed: npm run demo installs it`)
  return found
}

function postgresFolders(): string[] {
  try {
    const versions = readdirSync(postgresFolder).sort((a, b) => Number(b) - Number(a))
    return versions.map((version) => join(postgresFolder, version, 'bin'))
  } catch {
    return []
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
