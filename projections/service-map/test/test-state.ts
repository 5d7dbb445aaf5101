import type { KeyedState, StateFormat } from '@syscribe/runtime'

/** Keyed state as the runtime keeps it: what a checkpoint writes, another can be restored from. */
export class TestState<S> implements KeyedState<S> {
  readonly values = new Map<string, S>()
  readonly changed = new Set<string>()
  readonly #format: StateFormat<S>

  constructor(format: StateFormat<S>, checkpoint: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#format = format
    for (const [key, bytes] of checkpoint) this.values.set(key, format.decode(Buffer.from(bytes)))
  }
  get size(): number {
    return this.values.size
  }
  get(key: string): S | undefined {
    return this.values.get(key)
  }
  update(key: string): S | undefined {
    if (this.values.has(key)) this.changed.add(key)
    return this.values.get(key)
  }
  set(key: string, value: S): void {
    this.values.set(key, value)
    this.changed.add(key)
  }
  delete(key: string): void {
    this.values.delete(key)
    this.changed.add(key)
  }
  entries(): IterableIterator<[string, S]> {
    return this.values.entries()
  }

  /** Writes what changed into `kept`; what was changed without telling is not in it. */
  checkpoint(kept: Map<string, Uint8Array>): void {
    for (const key of this.changed) {
      const value = this.values.get(key)
      if (value === undefined) kept.delete(key)
      else kept.set(key, this.#format.encode(value))
    }
    this.changed.clear()
  }
}
