import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs'

/** How far a spool has been sent. */
export interface SpoolPosition {
  spool: string
  position: number
}

/** A line of this length: one write, so that it is there as a whole or not at all. */
const lineBytes = 80

/**
 * Remembers beside the spool what the log has confirmed. The log's own word is the same or newer, but brokers forget the
 * offsets of a group that was away for a week (offsets.retention.minutes).
 */
export class SentPosition {
  readonly #file: number
  readonly #path: string
  constructor(path: string) {
    this.#path = path
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  }

  /** Undefined when nothing readable is there. */
  read(): SpoolPosition | undefined {
    const match = /^([0-9a-f-]{36}) (\d+) *\n$/.exec(readFileSync(this.#path, 'utf8'))
    return match === null ? undefined : { spool: match[1] as string, position: Number(match[2]) }
  }

  write({ spool, position }: SpoolPosition): void {
    writeSync(this.#file, `${`${spool} ${position}`.padEnd(lineBytes - 1)}\n`, 0)
  }

  close(): void {
    closeSync(this.#file)
  }
}
