import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })

/** A file system of its own, of this many MiB, that can grow. */
export class SmallDisk {
  readonly path: string
  constructor(path: string, megabytes: number) {
    mkdirSync(path)
    run('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'small-disk', path)
    this.path = path
  }
  grow(megabytes: number): void {
    run('mount', '-o', `remount,size=${megabytes}m`, this.path)
  }
  remove(): void {
    run('umount', '-l', this.path)
  }
}

/** A disk that can stall: ext4 in a file, frozen and thawed (fsfreeze(8)); writers wait meanwhile. */
export class StallingDisk {
  readonly path: string
  #stalled = false
  constructor(folder: string, megabytes: number) {
    const image = join(folder, 'disk.img')
    this.path = join(folder, 'disk')
    mkdirSync(this.path)
    writeFileSync(image, '')
    truncateSync(image, megabytes * 1024 * 1024)
    run('mkfs.ext4', '-q', '-E', 'lazy_itable_init=1', image)
    run('mount', '-o', 'loop', image, this.path)
    rmSync(image)
  }
  stall(): void {
    run('fsfreeze', '--freeze', this.path)
    this.#stalled = true
  }
  goOn(): void {
    if (this.#stalled) run('fsfreeze', '--unfreeze', this.path)
    this.#stalled = false
  }
  remove(): void {
    this.goOn()
    run('umount', '-l', this.path)
  }
}
