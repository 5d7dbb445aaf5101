import type { KeyedState } from '@syscribe/runtime'
import type { EnricherEntry } from './enricher-state.js'

/** Kept for this long: what is not explained by then never will be. Milliseconds. */
export const mentionMemoryMs = 60 * 60 * 1000

type State = KeyedState<EnricherEntry>

/**
 * When a container was first spoken of by the cgroup of a process: its runtime may take a moment to tell of it. One entry
 * a container, so that its later processes do not begin to wait anew. `place` is its id, or the path of its cgroup.
 */
export const mentionTable = {
  put(host: string, place: string, now: number, state: State): void {
    if (mentionTable.at(host, place, now, state) === null)
      state.set(stateKey(host, place), { kind: 'mention', at: now })
  },

  /** Milliseconds; null when it was not mentioned, or so long ago that it is due to be forgotten. */
  at(host: string, place: string, now: number, state: State): number | null {
    const entry = state.get(stateKey(host, place))
    return entry?.kind === 'mention' && !isOld(entry.at, now) ? entry.at : null
  },

  /** Drops an old one. */
  sweep(key: string, at: number, now: number, state: State): void {
    if (isOld(at, now)) state.delete(key)
  },
}

function isOld(at: number, now: number): boolean {
  return at + mentionMemoryMs < now
}

function stateKey(host: string, place: string): string {
  return `u${host}/${place}`
}
