import type { KeyedState } from '@syscribe/runtime'
import type { Party, ProcessKey } from '@syscribe/schemas'
import { answerTable } from './answer-table.js'
import { clientUsedName } from './client-used-name.js'
import type { ContainerRun } from './container-run.js'
import type { ContainerTable } from './container-table.js'
import type { ConnectionFacts, EnricherEntry } from './enricher-state.js'
import { canonicalAddress, isLoopback } from './ip-address.js'
import type { ProcessImage } from './process-image.js'
import type { ProcessTable } from './process-table.js'

type State = KeyedState<EnricherEntry>

export interface NamedEnds {
  client: Party
  server: Party
  /** Nothing that may still be seen of the connection names the server better. */
  final: boolean
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

  /** @param now milliseconds: the timestamp of the record that leads to it. */
  ends(facts: ConnectionFacts, now: number, state: State): NamedEnds {
    const client =
      facts.client !== null
        ? this.#observed(facts.client, facts.clientAddress, facts.time, now, state)
        : this.#clientElsewhere(facts, now, state)
    if (facts.server !== null) {
      return { client, server: this.#observed(facts.server, facts.serverAddress, facts.time, now, state), final: true }
    }
    return { client, ...this.#serverElsewhere(facts, now, state) }
  }

  /** Whether the end that is not observed is a container, which names it whoever runs inside. */
  isContainer(facts: ConnectionFacts, now: number, state: State): boolean {
    if (facts.server === null) return this.#containerOfServer(facts, now, state) !== null
    return this.#containers.byAddress(facts.host, canonical(facts.clientAddress), facts.time, now, state) !== null
  }

  #observed(key: ProcessKey, address: string, time: number, now: number, state: State): Party {
    const image = this.#processes.at(key, time, now, state)
    const container =
      image?.containerId == null
        ? this.#containers.byAddress(key.host, canonical(address), time, now, state)
        : this.#containers.byId(key.host, image.containerId, time, now, state)
    if (image === null) {
      const process = { key, comm: '', cmdline: '', profile: '', profileName: null }
      if (container !== null) return { ...containerParty(container), process }
      const reason = `address: process ${key.pid} is not in the log`
      return { name: address, type: 'external', container: null, process, reason }
    }
    const known = container === null ? this.#parties.get(image) : undefined
    if (known !== undefined) return known
    const { comm, cmdline, profile, profileName } = image
    const process = { key, comm, cmdline, profile, profileName }
    if (container !== null) return { ...containerParty(container), process }
    const own = ownName(image)
    if (own === null) return { name: address, type: 'external', container: null, process, reason: 'address' }
    const party: Party = { ...own, type: 'external', container: null, process }
    this.#parties.set(image, party)
    return party
  }

  #clientElsewhere(facts: ConnectionFacts, now: number, state: State): Party {
    const { host, clientAddress, time } = facts
    const container = this.#containers.byAddress(host, canonical(clientAddress), time, now, state)
    if (container !== null) return { ...containerParty(container), process: null }
    return { name: clientAddress, type: 'external', container: null, process: null, reason: 'address' }
  }

  #serverElsewhere(facts: ConnectionFacts, now: number, state: State): { server: Party; final: boolean } {
    const container = this.#containerOfServer(facts, now, state)
    if (container !== null) return { server: { ...containerParty(container), process: null }, final: true }
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

  #containerOfServer(facts: ConnectionFacts, now: number, state: State): ContainerRun | null {
    const { host, transport, serverPort: port, time, client } = facts
    const address = canonical(facts.serverAddress)
    const direct = this.#containers.byAddress(host, address, time, now, state)
    if (direct !== null) return direct
    // Loopback inside a container is its own, not the host's with its published ports.
    if (isLoopback(address) && client !== null && this.#hasOwnLoopback(client, time, now, state)) return null
    return this.#containers.byPublishedPort(host, { address, port, transport }, time, now, state)
  }

  #hasOwnLoopback(client: ProcessKey, time: number, now: number, state: State): boolean {
    const id = this.#processes.at(client, time, now, state)?.containerId ?? null
    if (id === null) return false
    return this.#containers.byId(client.host, id, time, now, state)?.hostNetwork !== true
  }
}

function containerParty({ ref }: ContainerRun): Pick<Party, 'name' | 'type' | 'container' | 'reason'> {
  const service = ref.service !== null && ref.service !== '' ? ref.service : null
  return {
    name: service ?? ref.name,
    type: 'container',
    container: ref,
    reason: service === null ? 'name of its container' : 'Compose service of its container',
  }
}

function ownName(image: ProcessImage): Pick<Party, 'name' | 'reason'> | null {
  if (image.profileName !== null) return { name: image.profileName, reason: 'ADI_PROFILE_NAME' }
  const { name, kind } = image.program
  return name === '' ? null : { name, reason: `${kind} it runs` }
}

function canonical(address: string): string {
  return canonicalAddress(address) ?? address
}
