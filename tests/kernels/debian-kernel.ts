import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDirectory } from '../servers/cache-directory.js'
import { runProgram } from '../servers/run-program.js'

export interface DebianKernel {
  /** As `uname -r` says it. */
  readonly release: string
  /** The compressed kernel. */
  readonly image: string
  /** Folder that holds its lib/modules. */
  readonly root: string
}

/**
 * Fetches the kernel that a Debian meta package stands for, such as `linux-image-amd64`, and unpacks it, once.
 * @returns undefined when the archive of this machine's release has no such package. @throws ServerError
 */
export async function debianKernel(metaPackage: string): Promise<DebianKernel | undefined> {
  const name = (await newestOf(metaPackage)) ?? (await afterUpdate(metaPackage))
  if (name === undefined) return undefined
  const root = await cacheDirectory(`kernel-${name}`)
  const release = name.replace(/^linux-image-/, '')
  const kernel = { release, image: join(root, `boot/vmlinuz-${release}`), root }
  // The last thing that is made.
  if (existsSync(join(root, 'lib/modules', release, 'modules.dep'))) return kernel
  await runProgram('apt-get', ['download', '-o', 'APT::Sandbox::User=root', name], { cwd: root, within: 300_000 })
  const archive = join(root, readdirSync(root).find((file) => file.endsWith('.deb')) as string)
  await runProgram('dpkg', ['-x', archive, root], { within: 120_000 })
  rmSync(archive)
  await runProgram('depmod', ['-b', root, release])
  return kernel
}

/** The package that the meta package depends on now. */
async function newestOf(metaPackage: string): Promise<string | undefined> {
  const depends = await runProgram('apt-cache', ['depends', '--important', metaPackage]).catch(() => '')
  return /^ *Depends: (linux-image-\d\S+)$/m.exec(depends)?.[1]
}

async function afterUpdate(metaPackage: string): Promise<string | undefined> {
  await runProgram('apt-get', ['update'], { within: 300_000 })
  return newestOf(metaPackage)
}
