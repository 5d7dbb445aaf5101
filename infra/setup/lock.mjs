import { spawn } from 'node:child_process'
import { SetupError } from './setup-error.mjs'

/**
 * Holds a lock on a folder while `work` runs, so that two set-ups of one checkout take turns. The kernel's own lock
 * (flock(2)), held by a child that ends with us: a set-up that was killed leaves nothing behind.
 *
 * @template T
 * @param {string} folder
 * @param {() => void} onWait called when another holds the lock.
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(folder, onWait, work) {
  let holder = await hold(folder, ['--nonblock'])
  if (holder === undefined) {
    onWait()
    holder = await hold(folder, [])
  }
  if (holder === undefined)
    throw new SetupError(`cannot lock ${folder}`, 'Check that this file system knows locks (flock).')
  try {
    return await work()
  } finally {
    holder.stdin?.end()
  }
}

/**
 * @param {string} folder
 * @param {string[]} options
 * @returns {Promise<import('node:child_process').ChildProcess | undefined>}
 */
function hold(folder, options) {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', ['--exclusive', ...options, folder, 'sh', '-c', 'echo held; cat > /dev/null'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      // A Ctrl-C of the terminal must not release it while our own clean-up runs.
      detached: true,
    })
    child.once('error', () => reject(new SetupError('the program flock is missing', 'Install util-linux.')))
    child.stdout.once('data', () => resolve(child))
    child.once('exit', () => resolve(undefined))
  })
}
