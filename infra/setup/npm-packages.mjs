import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { checkoutOwner } from './checkout-owner.mjs'
import { run } from './command.mjs'
import { SetupError } from './setup-error.mjs'

/** @typedef {{ version?: string, resolved?: string, optional?: boolean, link?: boolean, bin?: unknown }} LockedPackage */

/**
 * Whether node_modules holds what the lock file names. npm writes node_modules/.package-lock.json when it has finished,
 * so an installation broken off in the middle does not match.
 * @param {string} root
 */
export function npmPackagesMatch(root) {
  const wanted = lockedPackages(join(root, 'package-lock.json'))
  const found = lockedPackages(join(root, 'node_modules/.package-lock.json'))
  if (wanted === undefined || found === undefined) return false
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.includes('node_modules/')) return true
    const installed = found[path]
    // An optional one may be for another system; that npm left it out is its decision.
    if (installed === undefined) return entry.optional === true
    if (installed.version !== entry.version) return false
    return path.split('node_modules/').length > 2 || existsSync(join(root, path))
  })
}

/**
 * @param {string} root
 * @param {(line: string) => void} show
 */
export async function installNpmPackages(root, show) {
  const modules = join(root, 'node_modules')
  if (process.getuid?.() !== 0 && statSync(modules, { throwIfNoEntry: false })?.uid === 0) {
    throw new SetupError(`${modules} belongs to root`, `Run this as root (sudo), or remove it: sudo rm -r ${modules}`)
  }
  const { code, tail } = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=http'], {
    cwd: root,
    ...checkoutOwner(root),
    onLine: (line) => show(line.replace(/^npm http fetch /, '')),
  }).catch((error) => {
    if (error.code !== 'ENOENT') throw error
    throw new SetupError('npm is not installed', 'Install it: apt-get install npm, or Node from https://nodejs.org')
  })
  if (code === 0) return
  const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|ENETUNREACH|network/i.test(tail)
  throw new SetupError(
    offline ? 'cannot download the npm packages' : 'npm ci failed',
    offline ? 'Check the network and npm’s registry and proxy settings, then run this again.' : 'Its output is above.',
    { detail: tail },
  )
}

/**
 * @param {string} file
 * @returns {Record<string, LockedPackage> | undefined}
 */
function lockedPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}
