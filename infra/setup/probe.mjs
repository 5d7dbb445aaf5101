import { accessSync, constants, readdirSync } from 'node:fs'
import { join } from 'node:path'

// Debian keeps servers out of a user's path, and PostgreSQL's programs in a folder per version.
const programFolders = [
  ...(process.env.PATH ?? '').split(':').filter((folder) => folder.startsWith('/')),
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  '/usr/lib/postgresql/*/bin',
]
const headerFolders = ['/usr/local/include', '/usr/include', '/usr/include/*-linux-gnu*']

/** @param {import('./purposes.mjs').Need} need */
export function isThere(need) {
  const probe = need.probe
  if ('command' in probe) return programFolders.some((folder) => expand(join(folder, probe.command)).some(isExecutable))
  if ('header' in probe) return headerFolders.some((folder) => expand(join(folder, probe.header)).some(exists))
  return expand(probe.file).some(exists)
}

/**
 * Paths that match a pattern whose `*` stands for a part of one name.
 * @param {string} pattern
 */
function expand(pattern) {
  let paths = ['/']
  for (const part of pattern.split('/').filter((name) => name !== '')) {
    if (!part.includes('*')) {
      paths = paths.map((path) => join(path, part))
      continue
    }
    const expression = new RegExp(`^${part.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`)
    paths = paths.flatMap((path) => {
      try {
        return readdirSync(path)
          .filter((name) => expression.test(name))
          .map((name) => join(path, name))
      } catch {
        return []
      }
    })
  }
  return paths
}

/** @param {string} path */
function exists(path) {
  return canAccess(path, constants.F_OK)
}

/** @param {string} path */
function isExecutable(path) {
  return canAccess(path, constants.X_OK)
}

/**
 * @param {string} path
 * @param {number} mode
 */
function canAccess(path, mode) {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}
