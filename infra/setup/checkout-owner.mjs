import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Whom npm and the build run as. Root working in somebody's checkout (sudo) must not leave root's files there, so the
 * owner does it; everybody else works as themselves.
 *
 * @param {string} root the checkout
 * @returns {{ uid?: number, gid?: number, env: NodeJS.ProcessEnv }}
 */
export function checkoutOwner(root) {
  const env = { ...process.env }
  if (process.getuid?.() !== 0) return { env }
  const { uid, gid } = ownerOf(root)
  const home = homeOf(uid)
  if (uid === 0 || home === undefined) return { env }
  for (const name of namesBelow(env, homeOf(0)?.folder ?? '/root')) delete env[name]
  return { uid, gid, env: { ...env, HOME: home.folder, USER: home.name, LOGNAME: home.name } }
}

/**
 * `npm run` tells its children where root's npm has its cache and settings; the owner has their own.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {string} folder
 */
function namesBelow(env, folder) {
  const below = (/** @type {string} */ path) => path === folder || path.startsWith(`${folder}/`)
  return Object.keys(env).filter((name) => /^npm_/i.test(name) && below(env[name] ?? ''))
}

/** @param {string} root */
function ownerOf(root) {
  const modules = statSync(join(root, 'node_modules'), { throwIfNoEntry: false })
  return modules ?? statSync(root)
}

/** @param {number} uid */
function homeOf(uid) {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const fields = line.split(':')
    if (fields[2] === String(uid) && fields[0] && fields[5]) return { name: fields[0], folder: fields[5] }
  }
  return undefined
}
