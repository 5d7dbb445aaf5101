import type { KeyedState } from '@syscribe/runtime'
import type { MapState } from './map-state.js'

/** A copy of a state, to try on it what must not be remembered. */
export class ScratchState implements KeyedState<MapState> {
  readonly #values = new Map<string, MapState>()

  constructor(original: KeyedState<MapState>) {
    for (const [key, value] of original.entries()) {
      this.#values.set(key, value.kind === 'open' ? { ...value, waiting: [...value.waiting] } : { ...value })
    }
  }
  get size(): number {
    return this.#values.size
  }
  get(key: string): MapState | undefined {
    return this.#values.get(key)
  }
  update(key: string): MapState | undefined {
    return this.#values.get(key)
  }
  set(key: string, value: MapState): void {
    this.#values.set(key, value)
  }
  delete(key: string): void {
    this.#values.delete(key)
  }
  entries(): IterableIterator<[string, MapState]> {
    return this.#values.entries()
  }
}
