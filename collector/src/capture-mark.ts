import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A file in the data directory that is there while capture runs. Who finds it at the start knows that the capture before
 * was not ended in order: it was killed, or the host went down.
 */
export class CaptureMark {
  /** The capture before did not end in order. */
  readonly found: boolean
  readonly #path: string

  /** @param folder the data directory; made when it is missing. @throws what node:fs throws */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.#path = join(folder, 'capturing')
    this.found = existsSync(this.#path)
  }

  /** Capture is about to begin. */
  set(): void {
    writeFileSync(this.#path, 'Capture runs, or was killed.\n', { mode: 0o600 })
  }

  /** Everything captured is in the log. */
  clear(): void {
    rmSync(this.#path, { force: true })
  }
}
