import { createHash } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { checkoutOwner } from './checkout-owner.mjs'
import { run } from './command.mjs'
import { SetupError } from './setup-error.mjs'

const stampFile = 'node_modules/.cache/syscribe/built'

/**
 * Whether everything was built from the sources as they are now, and is still there.
 * @param {string} root
 */
export function isBuilt(root) {
  try {
    return readFileSync(join(root, stampFile), 'utf8') === stampOf(root)
  } catch {
    return false
  }
}

/**
 * Builds every workspace (turbo: only what changed).
 * @param {string} root
 * @param {(line: string) => void} show
 */
export async function build(root, show) {
  const turbo = join(root, 'node_modules/.bin/turbo')
  const owner = checkoutOwner(root)
  const { code, tail } = await run(
    turbo,
    ['run', 'build', '--output-logs=errors-only', '--log-order=grouped', '--ui=stream'],
    {
      cwd: root,
      ...owner,
      env: { ...owner.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', NO_UPDATE_NOTIFIER: '1' },
      onLine: show,
    },
  )
  if (code !== 0) throw new SetupError('the build failed', 'The messages above say where.', { detail: tail })
  markBuilt(root)
}

/**
 * Remembers that everything is built from the sources as they are now.
 * @param {string} root
 */
export function markBuilt(root) {
  const { uid, gid } = checkoutOwner(root)
  const file = join(root, stampFile)
  const made = mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, stampOf(root))
  renameSync(`${file}.new`, file)
  if (uid === undefined || gid === undefined) return
  for (let path = file; path.length >= (made ?? file).length; path = dirname(path)) chownSync(path, uid, gid)
}

/**
 * Contents of all sources, and which products are there.
 * @param {string} root
 */
function stampOf(root) {
  const hash = createHash('sha256').update(process.arch)
  for (const workspace of workspacesOf(root)) {
    for (const file of filesBelow(join(root, workspace), new Set(['node_modules', 'dist', 'build', 'test']))) {
      hash
        .update(file)
        .update('\0')
        .update(readFileSync(join(root, workspace, file)))
        .update('\0')
    }
    hash.update(existsSync(join(root, workspace, 'dist')) ? 'dist' : 'none')
    for (const file of filesBelow(join(root, workspace, 'build'), new Set())) hash.update(file)
  }
  for (const file of ['package-lock.json', 'tsconfig.base.json', 'turbo.json', ...bpfSources(root)]) {
    hash.update(`\0${file}\0`).update(readFileSync(join(root, file)))
  }
  return hash.digest('hex')
}

/** @param {string} root */
function bpfSources(root) {
  return filesBelow(join(root, 'bpf'), new Set(['build'])).map((file) => join('bpf', file))
}

/**
 * @param {string} root
 * @returns {string[]} folders of the workspaces
 */
export function workspacesOf(root) {
  /** @type {string[]} */
  const patterns = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).workspaces
  return patterns.flatMap((pattern) => {
    if (!pattern.endsWith('/*')) return [pattern]
    const parent = pattern.slice(0, -2)
    return readdirSync(join(root, parent))
      .map((name) => join(parent, name))
      .filter((folder) => existsSync(join(root, folder, 'package.json')))
  })
}

/**
 * @param {string} folder
 * @param {Set<string>} without names left out
 * @returns {string[]} relative paths in a fixed order; none when there is no such folder.
 */
function filesBelow(folder, without) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (without.has(entry.name)) return []
      if (!entry.isDirectory()) return entry.isFile() ? [entry.name] : []
      return filesBelow(join(folder, entry.name), without).map((file) => join(entry.name, file))
    })
}
