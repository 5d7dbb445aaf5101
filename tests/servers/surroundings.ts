import { accessSync, constants, readFileSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { ServerError } from './server-error.js'

/** A TCP port that is free on 127.0.0.1 now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new ServerError('start_failed', 'no free port')
  return address.port
}

/**
 * The path of a program.
 * @param candidates names, looked for in PATH and the system's own directories, or whole paths; the first that exists.
 * @param install what to do when none does.
 * @throws ServerError `not_installed`
 */
export function findProgram(candidates: readonly string[], install: string): string {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin', '/usr/local/bin']
  for (const candidate of candidates) {
    for (const path of candidate.includes('/') ? [candidate] : directories.map((each) => join(each, candidate))) {
      try {
        accessSync(path, constants.X_OK)
        return path
      } catch {
        // Looks further.
      }
    }
  }
  throw new ServerError('not_installed', `${candidates.at(-1)} is not installed: ${install}`)
}

/** A user of this machine to run a server as that refuses to run as root; null when this process is not root. */
export function ownUser(name: string, install: string): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${name}:`))
  if (entry === undefined) throw new ServerError('not_installed', `there is no user ${name}: ${install}`)
  const [, , uid, gid] = entry.split(':')
  return { uid: Number(uid), gid: Number(gid) }
}

/** A new directory for one server, owned by who runs it. */
export async function temporaryDirectory(
  name: string,
  user: { uid: number; gid: number } | null,
): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `syscribe-${name}-`))
  if (user !== null) await chown(path, user.uid, user.gid)
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) }
}
