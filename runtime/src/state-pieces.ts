import { LogError } from '@syscribe/log'

/** A value of more bytes is several records: a batch of them stays below the limits of every engine. */
const largestPieceBytes = 512 * 1024
/** A topic that takes less than this beside a key is not for state. */
const smallestPieceBytes = 1024
/** What a record has beside the key and the piece: the rest of its key, and the length of its value. */
const besideBytes = 16

/** A record of a state topic; null deletes it. */
export interface Piece {
  key: string
  value: Uint8Array | null
}

/**
 * The key of a value's piece: the first has the value's own, the others `m`, their number from 1, a slash and that. Keys of
 * values do not begin with `m`.
 */
function pieceKey(key: string, index: number): string {
  return index === 0 ? key : `m${index}/${key}`
}

/** Puts the pieces together that are under the keys of a state topic. */
export function joined(records: ReadonlyMap<string, Buffer>): Map<string, { value: Buffer; pieces: number }> {
  const entries = new Map<string, { value: Buffer; pieces: number }>()
  for (const [key, first] of records) {
    if (key.startsWith('m')) continue
    const pieces = [first]
    for (;;) {
      const next = records.get(pieceKey(key, pieces.length))
      if (next === undefined) break
      pieces.push(next)
    }
    entries.set(key, { value: pieces.length === 1 ? first : Buffer.concat(pieces), pieces: pieces.length })
  }
  return entries
}

/**
 * Cuts values into records that their topic takes. A state may be of any size: half-received messages, tables of a whole
 * cluster. It knows of how many pieces what is in the topic is, so that none is left behind a shorter value.
 */
export class PieceWriter {
  readonly #topic: string
  readonly #maxRecordBytes: number
  /** Of the values that are in the topic, those of several pieces. */
  readonly #pieces = new Map<string, number>()

  /** @param maxRecordBytes of key and value of a record, where the topic has a limit */
  constructor(topic: string, maxRecordBytes = Number.POSITIVE_INFINITY) {
    this.#topic = topic
    this.#maxRecordBytes = maxRecordBytes
  }

  /** This is what is in the topic. */
  found(entries: ReadonlyMap<string, { pieces: number }>): void {
    this.#pieces.clear()
    for (const [key, { pieces }] of entries) if (pieces > 1) this.#pieces.set(key, pieces)
  }

  /**
   * The records that put a value in place of what was there.
   * @throws LogError `invalid` where the topic takes no records worth writing: trying again does not help.
   */
  *of(key: string, value: Uint8Array | null): Generator<Piece> {
    const bytes = Math.min(largestPieceBytes, this.#maxRecordBytes - Buffer.byteLength(key) - besideBytes)
    if (value !== null && value.length > bytes && bytes < smallestPieceBytes) {
      throw new LogError(
        'invalid',
        `${value.length} bytes of state with the key ${JSON.stringify(key.slice(0, 100))} do not fit into topic ${this.#topic}, which takes records of ${this.#maxRecordBytes} bytes: raise its max.message.bytes`,
      )
    }
    const count = value === null ? 0 : value.length <= bytes ? 1 : Math.ceil(value.length / bytes)
    const before = this.#pieces.get(key) ?? 1
    if (count > 1) this.#pieces.set(key, count)
    else this.#pieces.delete(key)
    for (let index = 0; index < Math.max(count, before); index++) {
      const piece = index < count ? (value as Uint8Array).subarray(index * bytes, (index + 1) * bytes) : null
      yield { key: pieceKey(key, index), value: piece }
    }
  }
}
