import { constants } from 'node:fs'
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ProjectionError, targetUnwritable } from './projection-error.js'

/** Pieces given to the kernel at once (it takes up to IOV_MAX, 1024). */
const piecesMost = 512

/**
 * A file that is replaced as a whole: a new one is written beside it and renamed over it, so that a reader sees the old
 * content or the new, never half of one. Mode 0600.
 */
export class ReplacedFile {
  readonly #path: string
  readonly #beside: string

  private constructor(path: string) {
    this.#path = path
    this.#beside = join(dirname(path), `.${basename(path)}.new`)
  }

  /**
   * Tries that the file can be written. A symbolic link is followed: what it leads to is replaced.
   * @throws ProjectionError `target_unwritable`
   */
  static async open(path: string): Promise<ReplacedFile> {
    const real = await realpath(path).catch(() => path)
    const found = await stat(real).catch(() => undefined)
    if (found !== undefined && !found.isFile()) {
      // Renaming over a device or a pipe would take it away from everybody.
      throw new ProjectionError('target_unwritable', `cannot write ${path}: it is not a regular file`)
    }
    const file = new ReplacedFile(real)
    try {
      await (await file.#openBeside()).close()
      await rm(file.#beside)
    } catch (cause) {
      throw targetUnwritable(path, cause)
    }
    return file
  }

  /**
   * @param durable the content survives a loss of power from here on.
   * @throws ProjectionError `target_unwritable`; the old content is then still there.
   */
  async replace(content: Iterable<Uint8Array>, durable: boolean): Promise<void> {
    try {
      const handle = await this.#openBeside()
      try {
        for (const pieces of gathered(content)) await writeAll(handle, pieces)
        if (durable) await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(this.#beside, this.#path)
    } catch (cause) {
      await rm(this.#beside, { force: true }).catch(() => {})
      throw targetUnwritable(this.#path, cause)
    }
  }

  /** The name beside can be foreseen: in a folder others write to, it must be a new file and no link. */
  async #openBeside(): Promise<FileHandle> {
    await rm(this.#beside, { force: true })
    return await open(
      this.#beside,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    )
  }
}

/** Writes all of the pieces, also when the kernel takes less than it is given. */
export async function writeAll(handle: Pick<FileHandle, 'writev'>, pieces: Uint8Array[]): Promise<void> {
  let rest = pieces
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest)
    const all = rest.reduce((size, piece) => size + piece.length, 0)
    rest = bytesWritten === all ? [] : [Buffer.concat(rest).subarray(bytesWritten)]
  }
}

function* gathered(content: Iterable<Uint8Array>): Generator<Uint8Array[]> {
  let pieces: Uint8Array[] = []
  for (const piece of content) {
    pieces.push(piece)
    if (pieces.length < piecesMost) continue
    yield pieces
    pieces = []
  }
  if (pieces.length > 0) yield pieces
}
