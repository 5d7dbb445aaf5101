import { closeSync, existsSync, openSync, readSync } from 'node:fs'

const newline = 0x0a

/** Follows a file that grows: counts its lines, and hands out each as it becomes visible. */
export class FileTail {
  lines = 0
  readonly #path: string
  readonly #buffer = Buffer.allocUnsafe(4 << 20)
  #file: number | undefined
  #position = 0
  /** Bytes of a line whose end is not there yet, at the front of the buffer. */
  #kept = 0

  constructor(path: string) {
    this.#path = path
  }

  /** Takes what has been written since; `onLine` gets views that live until it returns. */
  look(onLine: (line: Buffer) => void = () => {}): void {
    if (this.#file === undefined) {
      if (!existsSync(this.#path)) return
      this.#file = openSync(this.#path, 'r')
    }
    for (;;) {
      const read = readSync(
        this.#file,
        this.#buffer,
        this.#kept,
        this.#buffer.length - this.#kept,
        this.#position + this.#kept,
      )
      if (read === 0) return
      const end = this.#kept + read
      let start = 0
      for (let at = this.#buffer.indexOf(newline); at >= 0 && at < end; at = this.#buffer.indexOf(newline, start)) {
        this.lines++
        onLine(this.#buffer.subarray(start, at))
        start = at + 1
      }
      this.#buffer.copyWithin(0, start, end)
      this.#kept = end - start
      this.#position += start
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
  }
}
