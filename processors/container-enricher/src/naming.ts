import type { KeyedState } from '@syscribe/runtime'
import type { Party, ProcessKey } from '@syscribe/schemas'
import { answerTable } from './answer-table.js'
import { clientUsedName } from './client-used-name.js'
import type { ContainerRun } from './container-run.js'
import type { Viewpoint } from './container-scope.js'
import type { ContainerTable } from './container-table.js'
import { mayBeContainer, unexplained, waitsUntil } from './container-wait.js'
import type { ConnectionFacts, EnricherEntry } from './enricher-state.js'
import { hostTable } from './host-table.js'
import { canonicalAddress, isLoopback } from './ip-address.js'
import { listenerTable } from './listener-table.js'
import type { ProcessImage } from './process-image.js'
import type { ProcessTable } from './process-table.js'
import { reachesHost } from './published-port.js'

/** How long a connection waits for its other end to show itself. Milliseconds of event time. */
export const waitMs = 2000

type State = KeyedState<EnricherEntry>

export interface NamedEnds {
  client: Party
  server: Party
  /** Nothing that may still be seen of the connection names the server better. */
  final: boolean
}

/** A container, and in words how it is known to be at that end. */
interface Found {
  run: ContainerRun
  how: string
}

/** Names both ends of a connection by the rules of docs/names.md. */
export class Naming {
  readonly #processes: ProcessTable
  readonly #containers: ContainerTable
  /** Parties made before: an image with no container is the same party on all its connections. A cache. */
  readonly #parties = new WeakMap<ProcessImage, Party>()

  constructor(processes: ProcessTable, containers: ContainerTable) {
    this.#processes = processes
    this.#containers = containers
  }

  /**
   * Names both ends, and notes where an observed server answered.
   * @param now milliseconds: the timestamp of the record that leads to it.
   */
  ends(facts: ConnectionFacts, now: number, state: State): NamedEnds {
    const client =
      facts.client !== null
        ? this.#observed(facts.client, facts.clientAddress, facts, now, state)
        : this.#clientElsewhere(facts, now, state)
    if (facts.server !== null) {
      listenerTable.put(facts, facts.server, this.#processes, state)
      return { client, server: this.#observed(facts.server, facts.serverAddress, facts, now, state), final: true }
    }
    return { client, ...this.#serverElsewhere(facts, now, state) }
  }

  /**
   * Until when something may still be told that names an end otherwise, milliseconds; a time that has passed when the
   * connection can be named now.
   *
   * @param settled the other end, were it observed, would be known.
   * @param since when waiting began.
   */
  waitsUntil(facts: ConnectionFacts, settled: boolean, since: number, now: number, state: State): number {
    const { client, server } = facts
    const ofClient = client === null ? 0 : this.#explainedAt(client, facts.time, now, state)
    const ofServer = server === null ? 0 : this.#explainedAt(server, facts.time, now, state)
    const explained = Math.max(ofClient, ofServer)
    if (client !== null && server !== null) return explained
    return Math.max(explained, this.#otherShownAt(facts, settled, since, now, state))
  }

  /**
   * Whether the other end may be a process that is yet to be found: those that run at the start of capture are found one
   * after the other, so what the first of two says does not settle who the other one is.
   */
  isBeingFound({ client, server, time }: ConnectionFacts, state: State): boolean {
    const known = client ?? server
    return known !== null && time < this.#processes.foundAt(known, state) + waitMs * 1000
  }

  #otherShownAt(facts: ConnectionFacts, settled: boolean, since: number, now: number, state: State): number {
    const watched = hostTable.of(facts.host, state)
    if (watched === null) return settled ? 0 : since + waitMs
    const end = facts.server === null ? 'server' : 'client'
    const found = end === 'server' ? this.#containerOfServer(facts, now, state) : this.#atClient(facts, now, state)
    if (found !== null) return settled ? 0 : since + waitMs
    const address = canonical(end === 'server' ? facts.serverAddress : facts.clientAddress)
    const isHost = isLoopback(address) || reachesHost(address, this.#standing(facts, now, state), watched)
    if (!mayBeContainer(address, end, isHost, watched)) return settled ? 0 : since + waitMs
    // Its runtime tells of a container a moment after it started; all of them, when they are being listed.
    const listed = watched.complete ? 0 : waitsUntil(facts.host, '', now, state)
    return Math.max(since + waitMs, listed)
  }

  /** Until when the container of an observed process may yet be told of. */
  #explainedAt(key: ProcessKey, time: number, now: number, state: State): number {
    if (hostTable.of(key.host, state) === null) return 0
    const image = this.#processes.at(key, time, now, state)
    const mentioned = image && unexplained(key.host, image.place, time, now, this.#containers, state)
    return mentioned === null ? 0 : waitsUntil(key.host, mentioned, now, state)
  }

  #observed(key: ProcessKey, address: string, { netns, time }: ConnectionFacts, now: number, state: State): Party {
    const image = this.#processes.at(key, time, now, state)
    const found = this.#containerOfObserved(key, image, { address, netns }, time, now, state)
    if (image === null) {
      const process = { key, comm: '', cmdline: '', profile: '', profileName: null }
      if (found !== null) return { ...containerParty(found), process }
      const reason = `address: process ${key.pid} is not in the log`
      return { name: address, type: 'external', container: null, process, reason }
    }
    const isPlain = found === null && image.place.containerIds.length === 0
    const known = isPlain ? this.#parties.get(image) : undefined
    if (known !== undefined) return known
    const { comm, cmdline, profile, profileName } = image
    const process = { key, comm, cmdline, profile, profileName }
    if (found !== null) return { ...containerParty(found), process }
    const own = ownName(image)
    const named = own ?? { name: address, reason: 'address' }
    const reason = `${named.reason}${this.#unexplainedText(key.host, image, time, now, state)}`
    const party: Party = { name: named.name, reason, type: 'external', container: null, process }
    if (isPlain && own !== null) this.#parties.set(image, party)
    return party
  }

  /** The container of an observed process: by its cgroup; where that says nothing by the address it uses. */
  #containerOfObserved(
    { host }: ProcessKey,
    image: ProcessImage | null,
    { address, netns }: { address: string; netns: number },
    time: number,
    now: number,
    state: State,
  ): Found | null {
    const run = image && this.#containers.ofPlace(host, image.place, time, now, state)
    if (run !== null) return { run, how: 'its container' }
    if (image !== null && image.place.containerIds.length > 0) return null
    const view = { host, netns, container: null }
    return byAddress(this.#containers.byAddress(canonical(address), view, time, now, state))
  }

  #unexplainedText(host: string, image: ProcessImage, time: number, now: number, state: State): string {
    if (image.place.containerIds.length === 0 || hostTable.of(host, state) === null) return ''
    const id = unexplained(host, image.place, time, now, this.#containers, state)
    return id === null ? '' : `; its runtime did not tell of container ${id.slice(0, 12)}`
  }

  #clientElsewhere(facts: ConnectionFacts, now: number, state: State): Party {
    const found = this.#atClient(facts, now, state)
    if (found !== null) return { ...containerParty(found), process: null }
    return { name: facts.clientAddress, type: 'external', container: null, process: null, reason: 'address' }
  }

  #serverElsewhere(facts: ConnectionFacts, now: number, state: State): { server: Party; final: boolean } {
    const found = this.#containerOfServer(facts, now, state)
    if (found !== null) return { server: { ...containerParty(found), process: null }, final: true }
    const listener = listenerTable.at(facts, this.#processes, state)
    if (listener !== null) {
      const { reason, ...party } = this.#observed(listener, facts.serverAddress, facts, now, state)
      return { server: { ...party, process: null, reason: `${reason}, which answered here before` }, final: true }
    }
    const { client, serverAddress, serverPort, requestHost, serverName, time } = facts
    const image = client === null ? null : this.#processes.at(client, time, now, state)
    const named = clientUsedName({
      address: serverAddress,
      port: serverPort,
      host: requestHost,
      serverName,
      targets: image?.targets ?? [],
      hosts: image?.hosts ?? [],
      answers: client === null ? [] : answerTable.at(client, time, state),
    })
    const server: Party = { ...named, type: 'external', container: null, process: null }
    return { server, final: requestHost !== null || serverName !== null }
  }

  #atClient(facts: ConnectionFacts, now: number, state: State): Found | null {
    const view = this.#standing(facts, now, state)
    return byAddress(this.#containers.byAddress(canonical(facts.clientAddress), view, facts.time, now, state))
  }

  #containerOfServer(facts: ConnectionFacts, now: number, state: State): Found | null {
    const { host, transport, serverPort: port, time } = facts
    const address = canonical(facts.serverAddress)
    const view = this.#standing(facts, now, state)
    const direct = byAddress(this.#containers.byAddress(address, view, time, now, state))
    if (direct !== null) return direct
    const watched = hostTable.of(host, state)
    const run = this.#containers.byPublishedPort({ address, port, transport }, view, watched, time, now, state)
    return run && { run, how: 'the container that has this port of the host' }
  }

  /** Where the observed end of a connection stands: what its addresses mean depends on that. */
  #standing({ host, netns, client, server, time }: ConnectionFacts, now: number, state: State): Viewpoint {
    const key = client ?? server
    const image = key && this.#processes.at(key, time, now, state)
    return { host, netns, container: image && this.#containers.ofPlace(host, image.place, time, now, state) }
  }
}

function byAddress(run: ContainerRun | null): Found | null {
  return run && { run, how: 'the container with this address' }
}

function containerParty({ run, how }: Found): Pick<Party, 'name' | 'type' | 'container' | 'reason'> {
  const { ref } = run
  const [name, what] =
    ref.service !== null
      ? [ref.service, 'Compose service']
      : ref.pod !== null
        ? [ref.pod.workload, 'Kubernetes workload']
        : [ref.name, 'name']
  return { name, type: 'container', container: ref, reason: `${what} of ${how}` }
}

function ownName(image: ProcessImage): Pick<Party, 'name' | 'reason'> | null {
  if (image.profileName !== null) return { name: image.profileName, reason: 'ADI_PROFILE_NAME' }
  const { name, kind } = image.program
  return name === '' ? null : { name, reason: `${kind} it runs` }
}

function canonical(address: string): string {
  return canonicalAddress(address) ?? address
}
