import { LogError } from '@syscribe/log'
import type { KeyedState, StateFormat } from './processor.js'

/** A key of a record may have 65,534 bytes, and there is more in it than the key of the state. */
const maxKeyBytes = 65_000

/** One key to write at a checkpoint; null bytes delete it. */
export interface ChangedEntry {
  key: string
  bytes: Uint8Array | null
}

/** Keyed state in memory that knows which keys have changed since the last checkpoint. */
export class KeyedStateMap<S> implements KeyedState<S> {
  readonly #entries = new Map<string, S>()
  /** Keys changed since the last `changes`. */
  readonly #changed = new Set<string>()
  /** Keys that the state topic holds: only these need a tombstone. */
  readonly #written = new Set<string>()
  readonly #format: StateFormat<S>

  constructor(format: StateFormat<S>) {
    this.#format = format
  }
  get size(): number {
    return this.#entries.size
  }
  get changedSize(): number {
    return this.#changed.size
  }
  get(key: string): S | undefined {
    return this.#entries.get(key)
  }
  update(key: string): S | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined) this.#changed.add(key)
    return value
  }
  /** @throws LogError `record_too_large` for a key of more than 65,000 bytes of UTF-8 */
  set(key: string, value: S): void {
    if (key.length * 3 > maxKeyBytes && Buffer.byteLength(key) > maxKeyBytes) {
      throw new LogError(
        'record_too_large',
        `a key of the state begins with ${JSON.stringify(key.slice(0, 100))} and has more than ${maxKeyBytes} bytes`,
      )
    }
    this.#entries.set(key, value)
    this.#changed.add(key)
  }
  delete(key: string): void {
    if (!this.#entries.delete(key)) return
    // What came and went between two checkpoints leaves no trace in the topic.
    if (this.#written.has(key)) this.#changed.add(key)
    else this.#changed.delete(key)
  }
  entries(): IterableIterator<[string, S]> {
    return this.#entries.entries()
  }

  /** What changed since the last call, encoded; from here on it counts as written. */
  *changes(): Generator<ChangedEntry> {
    for (const key of this.#changed) {
      const value = this.#entries.get(key)
      if (value === undefined) {
        if (this.#written.delete(key)) yield { key, bytes: null }
      } else {
        this.#written.add(key)
        yield { key, bytes: this.#format.encode(value) }
      }
    }
    this.#changed.clear()
  }

  /** Puts in an entry as the state topic holds it. */
  restore(key: string, bytes: Buffer): void {
    this.#entries.set(key, this.#format.decode(bytes))
    this.#written.add(key)
  }

  /** The topic holds this key, but in a form that is no longer read: the next checkpoint removes it. */
  discard(key: string): void {
    this.#entries.delete(key)
    this.#written.add(key)
    this.#changed.add(key)
  }
}
