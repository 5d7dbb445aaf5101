import type { TrafficMessageView } from '@syscribe/schemas'
import { type Fragment, fragmentOf, type LineBuffer } from './line-buffer.js'

/** A power of two: places for texts, each held until another falls on it. */
const places = 2048
/** Longer ones (a command line may take 128 KiB) are not kept: memory stays within some ten megabytes. */
const longestKept = 2048

interface Remembered {
  /** The bytes of the record that the texts were made from. */
  head: Fragment
  ends: Fragment
  /** The text of the process and the addresses; that of the named ends and the connection's id. */
  observation: Fragment
  identity: Fragment
}

/**
 * The parts of a line that are the same for all messages of one kind at one end of a connection: who, from where, to
 * where. They are kept as text, and taken again only when the bytes they come from are the same. Kept from the second
 * message on: most connections that have but one are not worth it.
 */
export class RememberedText {
  readonly #places: (Remembered | undefined)[] = new Array(places).fill(undefined)
  /** The connection that last came to each place: the number of its first bytes. */
  readonly #last = new Int32Array(places)
  readonly #writeObservation: Write
  readonly #writeIdentity: Write
  #found: Remembered | undefined
  #head = 0
  #place = 0
  /** Where the first part lies in the line; -1 when it is not to be kept. */
  #observationStart = -1
  #observationEnd = -1

  constructor(writeObservation: Write, writeIdentity: Write) {
    this.#writeObservation = writeObservation
    this.#writeIdentity = writeIdentity
  }

  /** Writes the first part. */
  observation(line: LineBuffer, view: TrafficMessageView): void {
    const { bytes, connectionStart } = view
    // Up to the kind, direction and role, which follow the connection and take a byte each.
    this.#head = connectionStart + 11
    const client = bytes.readInt32LE(connectionStart)
    const server = bytes.readInt32LE(connectionStart + 4)
    // Sequence numbers are random enough, the last byte of each the least so.
    const mixed = Math.imul(client ^ (server >>> 7) ^ (view.kind << 30) ^ (view.role << 28), 0x9e3779b1)
    this.#place = mixed >>> 21
    const known = this.#places[this.#place]
    if (
      known !== undefined &&
      line.holds(known.head, 1, this.#head) &&
      line.holds(known.ends, view.endsStart, view.endsEnd)
    ) {
      this.#found = known
      line.fixed(known.observation)
      return
    }
    this.#found = undefined
    const again = this.#last[this.#place] === client
    this.#last[this.#place] = client
    this.#observationStart = again ? line.length : -1
    this.#writeObservation(line, view)
    this.#observationEnd = line.length
  }

  /** Writes the second part, of the same message. */
  identity(line: LineBuffer, view: TrafficMessageView): void {
    if (this.#found !== undefined) {
      line.fixed(this.#found.identity)
      return
    }
    const start = line.length
    this.#writeIdentity(line, view)
    if (this.#observationStart < 0 || this.#head > longestKept || view.endsEnd - view.endsStart > longestKept) return
    const { written } = line
    this.#places[this.#place] = {
      head: fragmentOf(view.bytes.subarray(1, this.#head)),
      ends: fragmentOf(view.bytes.subarray(view.endsStart, view.endsEnd)),
      observation: fragmentOf(written.subarray(this.#observationStart, this.#observationEnd)),
      identity: fragmentOf(written.subarray(start)),
    }
  }
}

type Write = (line: LineBuffer, view: TrafficMessageView) => void
