import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, realpath, rename, stat } from 'node:fs/promises'
import { ProjectionError, targetUnwritable } from './projection-error.js'

/** Bytes before the committed end by which a file is recognised. */
const fingerprintBytes = 1024

/**
 * A file that only grows and can be put back to a committed point: what a projection of lines or documents writes.
 *
 * `mark` describes the point reached; kept with the offsets, it lets `open` cut off what was written behind it. The
 * mark holds a fingerprint of the last bytes, so that a file that somebody replaced is not mistaken for ours and cut:
 * what lies at the path and is not the file as marked is set aside as `<path>.1` (or the next free number) and a new
 * file begins. Rotating the file away while it is written (rename, or copy and truncate) begins a new one too.
 *
 * New files get mode 0600: they hold payloads and environments. A path that is not a regular file (a pipe, a device)
 * is written to, never put back.
 */
export class AppendFile {
  readonly path: string
  readonly #warn: (warning: string) => void
  #handle: FileHandle
  #regular: boolean
  #inode: number
  #length: number
  #tail: Buffer
  #dirty = false

  private constructor(path: string, warn: (warning: string) => void, opened: Opened) {
    this.path = path
    this.#warn = warn
    this.#handle = opened.handle
    this.#regular = opened.regular
    this.#inode = opened.inode
    this.#length = opened.length
    this.#tail = opened.tail
  }

  /**
   * @param mark what `mark` returned at the point to come back to; null to begin an empty file.
   * @param warn told, in a sentence naming the path, when the file was not as `mark` says.
   * @throws ProjectionError `target_unwritable`, `metadata_invalid`.
   */
  static async open(
    path: string,
    mark: string | null,
    warn: (warning: string) => void = () => {},
  ): Promise<AppendFile> {
    const wanted = mark === null ? null : parseMark(path, mark)
    let opened = await openTarget(path)
    try {
      if (opened.regular && !(await comeBack(opened, wanted))) {
        const found = opened.length
        if (found > 0) {
          await opened.handle.close()
          const aside = await setAside(path)
          opened = await openTarget(path)
          warn(
            wanted === null
              ? `${path} held ${found} bytes from before; they are kept as ${aside} and a new file begins`
              : `${path} is not the file written so far (${wanted.length} bytes, found ${found}); it is kept as ${aside} and a new file begins`,
          )
        } else if (wanted !== null && wanted.length > 0) {
          warn(`${path} is gone or empty (${wanted.length} bytes had been written); a new file begins`)
        }
      }
      return new AppendFile(path, warn, opened)
    } catch (cause) {
      await opened.handle.close().catch(() => {})
      throw cause instanceof ProjectionError ? cause : targetUnwritable(path, cause)
    }
  }

  /** Bytes in the file. */
  get length(): number {
    return this.#length
  }

  /** The point reached, for `open`. */
  get mark(): string {
    return `${this.#length} ${fingerprint(this.#length, this.#inode, this.#tail)}`
  }

  /**
   * Writes all of `bytes` at the end, in one write where the kernel takes them at once. When it fails the file is as
   * it was before, and it can be tried again.
   * @throws ProjectionError `target_unwritable`
   */
  async append(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return
    try {
      if (this.#regular) await this.#follow()
      let written = 0
      try {
        while (written < bytes.length) {
          written += (await this.#handle.write(bytes, written, bytes.length - written)).bytesWritten
        }
      } catch (cause) {
        if (this.#regular && written > 0) await this.#handle.truncate(this.#length)
        throw cause
      }
    } catch (cause) {
      throw targetUnwritable(this.path, cause)
    }
    this.#length += bytes.length
    this.#tail = lastBytes(this.#tail, bytes)
    this.#dirty = true
  }

  /**
   * What was appended survives a loss of power from here on.
   * @throws ProjectionError `target_unwritable`
   */
  async sync(): Promise<void> {
    if (!this.#dirty) return
    try {
      if (this.#regular) await this.#handle.datasync()
    } catch (cause) {
      throw targetUnwritable(this.path, cause)
    }
    this.#dirty = false
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  /** Notices that the file was moved away or cut since the last write. */
  async #follow(): Promise<void> {
    const named = await stat(this.path).catch(() => undefined)
    if (named === undefined || named.ino !== this.#inode) {
      const opened = await openTarget(this.path)
      await this.#handle.close()
      this.#handle = opened.handle
      this.#regular = opened.regular
      this.#inode = opened.inode
      this.#length = opened.length
      this.#tail = await readTail(opened.handle, opened.length)
      this.#warn(`${this.path} was moved away while it was written; writing goes on in a new file`)
    } else if (named.size !== this.#length) {
      this.#warn(`${this.path} was changed by somebody else (${this.#length} bytes written, ${named.size} found)`)
      this.#length = named.size
      this.#tail = await readTail(this.#handle, named.size)
    }
  }
}

interface Opened {
  handle: FileHandle
  regular: boolean
  inode: number
  length: number
  tail: Buffer
}

interface Mark {
  length: number
  fingerprint: string
}

async function openTarget(path: string): Promise<Opened> {
  try {
    const handle = await open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600)
    const found = await handle.stat()
    const regular = found.isFile()
    return { handle, regular, inode: found.ino, length: regular ? found.size : 0, tail: Buffer.alloc(0) }
  } catch (cause) {
    throw targetUnwritable(path, cause)
  }
}

/** Cuts the file back to the marked point; false when it is not that file. */
async function comeBack(opened: Opened, mark: Mark | null): Promise<boolean> {
  if (mark === null) return opened.length === 0
  if (opened.length < mark.length) return false
  const tail = await readTail(opened.handle, mark.length)
  if (fingerprint(mark.length, opened.inode, tail) !== mark.fingerprint) return false
  if (opened.length > mark.length) await opened.handle.truncate(mark.length)
  opened.length = mark.length
  opened.tail = tail
  return true
}

/** Renames the file to the first free number behind its name, never over another; returns the new name. */
async function setAside(path: string): Promise<string> {
  const real = await realpath(path)
  for (let number = 1; ; number++) {
    const aside = `${real}.${number}`
    if ((await stat(aside).catch(() => undefined)) !== undefined) continue
    await rename(real, aside)
    return aside
  }
}

async function readTail(handle: FileHandle, end: number): Promise<Buffer> {
  const tail = Buffer.alloc(Math.min(fingerprintBytes, end))
  let read = 0
  while (read < tail.length) {
    const { bytesRead } = await handle.read(tail, read, tail.length - read, end - tail.length + read)
    if (bytesRead === 0) return tail.subarray(0, read)
    read += bytesRead
  }
  return tail
}

function lastBytes(before: Buffer, added: Uint8Array): Buffer {
  if (added.length >= fingerprintBytes) return Buffer.from(added.subarray(added.length - fingerprintBytes))
  return Buffer.concat([before.subarray(Math.max(0, before.length + added.length - fingerprintBytes)), added])
}

/** An empty file has no bytes to know it by: its inode stands in for them. */
function fingerprint(length: number, inode: number, tail: Buffer): string {
  const hash = createHash('sha256')
  if (length === 0) hash.update(`inode ${inode}`)
  else hash.update(tail)
  return hash.digest('hex').slice(0, 16)
}

function parseMark(path: string, mark: string): Mark {
  const match = /^(\d{1,15}) ([0-9a-f]{16})$/.exec(mark)
  if (match === null) {
    throw new ProjectionError('metadata_invalid', `${path}: "${mark.slice(0, 100)}" does not say how long the file was`)
  }
  return { length: Number(match[1]), fingerprint: match[2] as string }
}
