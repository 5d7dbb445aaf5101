import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './command.mjs'

/** Debian asks this program before it starts a service (invoke-rc.d(8), deb-systemd-invoke(1p)); 101 forbids. */
const policyFile = '/usr/sbin/policy-rc.d'
const marker = '# syscribe-setup'

/**
 * Keeps package installation from starting services: the demo and the tests run the servers themselves, and nobody
 * asked for a daemon. A policy the machine already has is only hidden, in a mount namespace of the installation's own;
 * where there is none, ours says no only while this process lives, so that one left behind by a kill does no harm.
 *
 * @template T
 * @param {(prefix: string[]) => Promise<T>} work gets what to put before the command.
 * @returns {Promise<T>}
 */
export async function withoutServiceStarts(work) {
  const before = contents(policyFile)
  if (before === undefined || before.includes(marker)) return withPolicy(policyFile, () => work([]))
  if ((await run(policyFile, ['syscribe-setup', 'start'])).code === 101) return work([])
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-setup-'))
  try {
    const file = join(folder, 'policy-rc.d')
    const hide = `mount --bind "$0" ${policyFile} && exec "$@"`
    return await withPolicy(file, () => work(['unshare', '--mount', 'sh', '-c', hide, file]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 */
async function withPolicy(file, work) {
  writeFileSync(
    file,
    `#!/bin/sh
${marker}: no service starts while process ${process.pid} installs packages; else as if this file were not there
[ "$(cut -d' ' -f22 /proc/${process.pid}/stat 2>/dev/null)" = "${startTime(process.pid)}" ] && exit 101
exit 0
`,
  )
  chmodSync(file, 0o755)
  const remove = () => rmSync(file, { force: true })
  process.once('exit', remove)
  try {
    return await work()
  } finally {
    process.off('exit', remove)
    remove()
  }
}

/**
 * Keeps services from starting at the next boot.
 * @param {readonly string[]} services
 */
export async function disableServices(services) {
  for (const service of services) {
    await run('systemctl', ['disable', '--quiet', service]).catch(ignoreMissing)
    await run('update-rc.d', [service, 'disable']).catch(ignoreMissing)
  }
}

/** @param {NodeJS.ErrnoException} error */
function ignoreMissing(error) {
  if (error.code !== 'ENOENT') throw error
}

/** @param {string} file */
function contents(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** @param {number} pid */
function startTime(pid) {
  // Field 22 of /proc/<pid>/stat; the program's name (field 2) may hold spaces, here it is "node".
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[21]
}
