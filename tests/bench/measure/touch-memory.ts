import { createWriteStream, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const chunk = Buffer.alloc(1 << 20)
const share = 0.75

/**
 * Writes most of the free memory once. The host of a virtual machine gives it memory page by page, when a page is
 * touched first, and that time counts as the guest's: a program that only fills the page cache then pays three times what it
 * costs later.
 */
export async function touchMemory(): Promise<void> {
  const kibibytes = Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1] ?? 0)
  const mebibytes = Math.floor((kibibytes * share) / 1024)
  const path = join('/dev/shm', `syscribe-bench-${process.pid}`)
  try {
    await pipeline(Readable.from(chunks(mebibytes)), createWriteStream(path, { flags: 'wx', mode: 0o600 }))
  } catch (error) {
    // A container's /dev/shm is small.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    rmSync(path, { force: true })
  }
}

function* chunks(count: number): Generator<Buffer> {
  for (let index = 0; index < count; index++) yield chunk
}
