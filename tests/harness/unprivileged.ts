import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from './repository.js'

/** User and group that own nothing (nobody, nogroup). */
export const nobody = 65534

/**
 * A command line that runs `syscribe` with these arguments as nobody, without any capability. The checkout and Node are
 * shown to it below `folder`, which it must be able to enter, for they may lie where only root can go.
 */
export function asNobody(folder: string, args: readonly string[]): { command: string; args: string[] } {
  const checkout = join(folder, 'checkout')
  const node = join(folder, 'node')
  mkdirSync(checkout, { recursive: true })
  writeFileSync(node, '')
  const script = `mount --bind "$1" "$2" && mount --bind "$3" "$4" && shift 4 && exec "$@"`
  const places = [repository, checkout, process.execPath, node]
  const identity = [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--no-new-privs']
  const rights = ['--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all']
  const syscribe = [node, join(checkout, 'cli/bin/syscribe.js'), ...args]
  const privileged = ['sh', '-c', script, 'sh', ...places, 'setpriv', ...identity, ...rights, ...syscribe]
  return { command: 'unshare', args: ['--mount', '--propagation', 'private', ...privileged] }
}
