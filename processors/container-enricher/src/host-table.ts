import type { KeyedState } from '@syscribe/runtime'
import type { ContainerHost } from '@syscribe/schemas'
import type { EnricherEntry, KnownHost } from './enricher-state.js'
import { canonicalAddress } from './ip-address.js'

type State = KeyedState<EnricherEntry>

/** The hosts whose container runtime is watched. */
export const hostTable = {
  /** @returns since when every container that runs has been told of, where this record completes that; else null. */
  put(said: ContainerHost, now: number, state: State): number | null {
    const key = stateKey(said.host)
    const before = hostTable.of(said.host, state)
    const boot = said.boot.toString('hex')
    // Lost once more, or begun anew: from now on it may take a while again.
    const begun = before === null || before.boot !== boot || (before.complete && !said.complete)
    const incompleteSince = begun ? now : before.incompleteSince
    state.set(key, {
      kind: 'host',
      boot,
      runtime: said.runtime,
      complete: said.complete,
      netns: said.netns,
      addresses: said.addresses.flatMap((address) => canonicalAddress(address) ?? []),
      incompleteSince,
    })
    return said.complete && before !== null && !before.complete ? incompleteSince : null
  },

  /** Null when its runtime is not watched. */
  of(host: string, state: State): KnownHost | null {
    const entry = state.get(stateKey(host))
    return entry?.kind === 'host' ? entry : null
  },
}

function stateKey(host: string): string {
  return `h${host}`
}
