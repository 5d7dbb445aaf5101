import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DebianKernel } from './debian-kernel.js'
import { initramfs } from './initramfs.js'

/**
 * Boots a kernel with this machine's files, runs a shell script as root and switches off. What the script writes to
 * /mnt is in `out` afterwards; everything else it writes is forgotten.
 * @returns what came out of its serial line.
 */
export async function runInGuest(kernel: DebianKernel, script: string, out: string, within: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-guest-'))
  mkdirSync(out, { recursive: true })
  try {
    const path = process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin'
    const command = `export PATH='${path}' HOME=/root\n${script}\nsync\necho o > /proc/sysrq-trigger\nsleep 60\n`
    const archive = await initramfs(kernel, command, folder)
    const share = (at: string, tag: string, more = '') =>
      ['-virtfs', `local,path=${at},mount_tag=${tag},security_model=none,multidevs=remap${more}`] as const
    const qemu = spawn(
      'qemu-system-x86_64',
      [
        // Not KVM: there may be none, and a nested one may hang.
        ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '4G', '-nic', 'none'],
        ...['-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot'],
        ...['-kernel', kernel.image, '-initrd', archive, '-append', 'console=ttyS0 quiet panic=-1 rdinit=/init'],
        ...share('/', 'host', ',readonly=on'),
        ...share(out, 'out'),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    let said = ''
    for (const stream of [qemu.stdout, qemu.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text))
    const timer = setTimeout(() => {
      said += `\nnot done within ${within} ms: ended`
      qemu.kill('SIGKILL')
    }, within)
    try {
      await once(qemu, 'close')
    } finally {
      clearTimeout(timer)
      qemu.kill('SIGKILL')
    }
    return said
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
