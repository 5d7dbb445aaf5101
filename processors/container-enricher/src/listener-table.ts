import type { KeyedState } from '@syscribe/runtime'
import { type ProcessKey, processKeyText } from '@syscribe/schemas'
import type { ConnectionFacts, EnricherEntry, KnownListener } from './enricher-state.js'
import type { ProcessTable } from './process-table.js'

type State = KeyedState<EnricherEntry>
type Place = Pick<ConnectionFacts, 'host' | 'netns' | 'serverAddress' | 'serverPort' | 'transport'>

/**
 * Which observed process answered where: what is connected to the same place and not accepted in time (a server that
 * hangs, a full queue) is its too, as long as it runs. One network namespace's addresses are not another's.
 */
export const listenerTable = {
  /** Of a connection whose server is known. The process that is known stays as long as it runs: others share the port. */
  put(place: Place, server: ProcessKey, processes: ProcessTable, state: State): void {
    const key = stateKey(place)
    const known = state.get(key)
    if (known?.kind === 'listener' && (isSame(known.process, server) || processes.runs(known.process, state))) return
    state.set(key, { kind: 'listener', process: server })
  },

  at(place: Place, processes: ProcessTable, state: State): ProcessKey | null {
    const known = state.get(stateKey(place))
    return known?.kind === 'listener' && processes.runs(known.process, state) ? known.process : null
  },

  /** Drops what belonged to a process that is forgotten. */
  sweep(key: string, entry: KnownListener, processes: ProcessTable, state: State): void {
    if (processes.isUnknown(processKeyText(entry.process), state)) state.delete(key)
  },
}

function isSame(one: ProcessKey, other: ProcessKey): boolean {
  return (
    one.pid === other.pid &&
    one.processStart === other.processStart &&
    one.host === other.host &&
    one.boot.equals(other.boot)
  )
}

function stateKey({ host, netns, serverAddress, serverPort, transport }: Place): string {
  return `l${host}/${netns}/${transport}/${serverPort}/${serverAddress}`
}
