import type { KeyedState } from '@syscribe/runtime'
import type { ContainerTable } from './container-table.js'
import type { EnricherEntry, KnownHost } from './enricher-state.js'
import { hostTable } from './host-table.js'
import { isPublicIpv4 } from './ip-address.js'
import { mentionTable } from './mention-table.js'
import type { Place } from './place.js'

/**
 * The longest a connection waits for its runtime to tell of a container: from the first process seen in it, or from when
 * the runtime's containers were begun to be listed. Milliseconds of event time.
 */
export const containerWaitMs = 10_000

type State = KeyedState<EnricherEntry>

/** What container a process's cgroup speaks of, and the runtime has not. Null when it speaks of none. */
export function unexplained(
  host: string,
  place: Place,
  time: number,
  now: number,
  containers: ContainerTable,
  state: State,
): string | null {
  const innermost = place.containerIds[0]
  if (innermost !== undefined) return containers.knows(host, innermost, now, state) ? null : innermost
  if (!place.chosen) return null
  const watched = hostTable.of(host, state)
  if (watched === null || (watched.runtime !== 'containerd' && watched.runtime !== '')) return null
  return containers.ofCgroup(host, place.cgroup, time, now, state) === null ? place.cgroup : null
}

/** Until when a process's container may yet be told of, milliseconds; 0 when nothing is to be waited for. */
export function waitsUntil(host: string, mentioned: string, now: number, state: State): number {
  const watched = hostTable.of(host, state)
  if (watched === null) return 0
  const at = mentionTable.at(host, mentioned, now, state) ?? 0
  return Math.max(at, watched.incompleteSince) + containerWaitMs
}

/**
 * Whether an address that is nobody's may yet turn out to be a container's. Containers are not given public addresses in
 * practice; that of a host can have a published port.
 */
export function mayBeContainer(
  address: string,
  end: 'client' | 'server',
  isHost: boolean,
  host: KnownHost | null,
): boolean {
  if (host === null) return false
  if (isHost) return end === 'server'
  return !isPublicIpv4(address)
}
