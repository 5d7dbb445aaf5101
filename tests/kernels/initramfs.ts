import { copyFileSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { runProgram } from '../servers/run-program.js'
import type { DebianKernel } from './debian-kernel.js'

/** What it takes to reach this machine's files, and to write over them without changing them. */
const modules = ['virtio_pci', '9pnet_virtio', '9p', 'overlay']

/**
 * Makes the initial file system that boots a kernel into `command`, a shell script.
 * @param folder empty; the archive is made in it. @returns the archive. @throws ServerError
 */
export async function initramfs(kernel: DebianKernel, command: string, folder: string): Promise<string> {
  const root = join(folder, 'root')
  for (const name of ['bin', 'modules', 'proc', 'sys', 'dev', 'host', 'layer', 'root']) {
    mkdirSync(join(root, name), { recursive: true })
  }
  cpSync('/usr/bin/busybox', join(root, 'bin/busybox'), { dereference: true })
  symlinkSync('busybox', join(root, 'bin/sh'))
  copyFileSync(new URL('guest.sh', import.meta.url), join(root, 'init'))
  writeFileSync(join(root, 'command'), command)
  const order: string[] = []
  for (const path of await modulePaths(kernel)) {
    const name = basename(path).replace(/\.xz$/, '')
    if (order.includes(name)) continue
    order.push(name)
    copyFileSync(path, join(root, 'modules', basename(path)))
    if (path.endsWith('.xz')) await runProgram('xz', ['-d', join(root, 'modules', basename(path))])
  }
  writeFileSync(join(root, 'modules/order'), `${order.join('\n')}\n`)
  const archive = join(folder, 'initramfs')
  await runProgram('sh', ['-c', 'chmod +x init && find . | busybox cpio -o -H newc > "$1"', 'sh', archive], {
    cwd: root,
  })
  return archive
}

/** The modules' files, each behind those it needs. */
async function modulePaths({ root, release }: DebianKernel): Promise<string[]> {
  const paths: string[] = []
  for (const name of modules) {
    const steps = await runProgram('modprobe', ['-d', root, '-S', release, '--show-depends', name])
    for (const [, path] of steps.matchAll(/^insmod (\S+)/gm)) paths.push(path as string)
  }
  return paths
}
