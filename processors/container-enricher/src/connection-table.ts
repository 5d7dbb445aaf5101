import type { InputRecord, KeyedState, Output } from '@syscribe/runtime'
import type { Observation } from './connection-facts.js'
import { together } from './connection-facts.js'
import type {
  ConnectionFacts,
  EnricherEntry,
  HeldRecord,
  NamedConnection,
  WaitingConnection,
} from './enricher-state.js'
import type { Naming } from './naming.js'
import { PartyBytes } from './party-bytes.js'
import { TrafficSplice, trafficBranch } from './traffic-splice.js'

/** How long a connection waits for its other end to show itself. Milliseconds of event time. */
export const waitMs = 2000
/** A connection without a record for this long is taken for gone, its end for lost. Milliseconds. */
export const idleMs = 70 * 60_000
/** How often a connection in use says so in the state. Milliseconds. */
const renewMs = 10 * 60_000
/** What may be held in all; beyond it the oldest are named with what is known. Bytes. */
const mostHeldBytes = 32 * 1024 * 1024

type State = KeyedState<EnricherEntry>

/** What of a named connection each of its records needs. */
export interface ConnectionNames {
  parties: Buffer
  key: Buffer
  final: boolean
  usedAt: number
}

/**
 * Names every connection once, and writes what is seen of it under those names.
 *
 * The first record of a connection is the client's, most often, and the process at the other end shows itself a moment
 * later when it is observed too. So the record is held until both ends are known; until something proves that the
 * other is not observed (an answer arrives without it, the connection ends); or for `waitMs`.
 */
export class ConnectionTable {
  readonly #naming: Naming
  readonly #partyBytes = new PartyBytes()
  readonly #splice = new TrafficSplice()
  /** By the connection id's bytes as ISO 8859-1. A cache of the state. */
  readonly #named = new Map<string, ConnectionNames>()
  /** Keys of clients' names, shared by their connections. */
  readonly #keys = new Map<string, Buffer>()
  /** State keys of the connections that wait or waited, in the order of their deadlines. A cache of the state. */
  #waiting: { key: string; deadline: number; order: number }[] = []
  #heldBytes = 0
  #nextOrder = 0
  /** Connections that ended. A cache of the state. */
  #ended: { key: string; at: number }[] = []

  constructor(naming: Naming) {
    this.#naming = naming
  }

  /** Takes in what a restored state holds; `loaded` when all of it has been given. */
  load(key: string, entry: NamedConnection | WaitingConnection): void {
    if (entry.kind === 'waiting') {
      this.#waiting.push({ key, deadline: entry.deadline, order: entry.order })
      for (const held of entry.held) this.#heldBytes += held.body.length
      this.#nextOrder = Math.max(this.#nextOrder, entry.order + 1)
    } else {
      this.#cache(key, entry)
      if (entry.endedAt !== null) this.#ended.push({ key, at: entry.endedAt })
    }
  }
  loaded(): void {
    this.#waiting.sort((a, b) => a.deadline - b.deadline || a.order - b.order)
  }

  /** When the next connection has waited long enough. Milliseconds. */
  get nextDeadline(): number {
    return this.#waiting[0]?.deadline ?? Number.POSITIVE_INFINITY
  }

  /**
   * The names of a connection, when nothing will change them: `write` then needs no look at the record.
   * @param id the connection id's bytes as ISO 8859-1.
   */
  settled(id: string, now: number): ConnectionNames | undefined {
    const names = this.#named.get(id)
    return names?.final === true && now - names.usedAt <= renewMs ? names : undefined
  }

  /** Writes an encoded record under these names. */
  write(names: ConnectionNames, branch: number, record: Buffer, timestamp: number, out: Output): void {
    this.#splice.emit(out, names.key, timestamp, branch, names.parties, record, 1)
  }

  /** Takes notice of the end of a connection that was named. */
  end(id: string, now: number, state: State): void {
    this.#end(stateKey(id), now, state)
  }

  /** Takes a record of any connection: writes it or holds it. */
  take(
    id: string,
    branch: number,
    record: Buffer,
    input: InputRecord,
    observation: Observation,
    state: State,
    out: Output,
  ): void {
    const key = stateKey(id)
    const now = input.timestamp
    let entry = state.get(key)
    if (entry?.kind === 'named' && now - entry.usedAt > idleMs) {
      this.#forget(key, state)
      entry = undefined
    }
    if (entry?.kind === 'named') {
      const names = this.#useAgain(id, key, entry, now, branch === trafficBranch.message ? observation : null, state)
      this.write(names, branch, record, now, out)
    } else {
      const waiting = entry?.kind === 'waiting' ? entry : null
      this.#takeUnnamed({ key, waiting, branch, record, now, ...observation }, state, out)
    }
    if (branch === trafficBranch.end) this.#end(key, now, state)
  }

  /** Names what has waited long enough at `time`, and writes it. */
  releaseDue(time: number, state: State, out: Output): void {
    let due = 0
    while (due < this.#waiting.length && (this.#waiting[due]?.deadline ?? 0) <= time) due++
    for (const { key, order, deadline } of this.#waiting.splice(0, due)) {
      if (this.#stillWaits(key, order, state)) this.#release(key, deadline, state, out)
    }
  }

  /** Names all that waits: nothing more comes. */
  releaseAll(time: number, state: State, out: Output): void {
    for (const { key, order, deadline } of this.#waiting.splice(0)) {
      if (this.#stillWaits(key, order, state)) this.#release(key, Math.max(time, deadline - waitMs), state, out)
    }
  }

  /** Forgets the connections that had ended by `time`: what was given up at their end has been seen. */
  forgetEnded(time: number, state: State): void {
    if (this.#ended.length === 0) return
    this.#ended = this.#ended.filter(({ key, at }) => {
      if (at > time) return true
      this.#forget(key, state)
      return false
    })
  }

  /** Forgets a connection whose end was never told. */
  sweep(key: string, entry: NamedConnection, now: number, state: State): void {
    if (now - entry.usedAt > idleMs) this.#forget(key, state)
  }

  #takeUnnamed(record: Unnamed, state: State, out: Output): void {
    const { key, waiting, branch, now } = record
    const facts = waiting === null ? record.facts : together(waiting.facts, record.facts)
    const bothKnown = facts.client !== null && facts.server !== null
    if (bothKnown || record.settled || this.#naming.isContainer(facts, now, state)) {
      if (waiting === null && branch === trafficBranch.end) {
        // Nothing of it was written before, and nothing will be: there is nothing to remember.
        const { client, server } = this.#naming.ends(facts, now, state)
        const parties = this.#partyBytes.of(client, server)
        this.#splice.emit(out, this.#keyOf(client.name), now, branch, parties, record.record, 1)
        return
      }
      const names = this.#name(key, facts, now, state)
      if (waiting !== null) this.#writeHeld(waiting, names, now, out)
      this.write(names, branch, record.record, now, out)
      return
    }
    this.#hold(key, waiting, facts, { branch, body: Buffer.from(record.record.subarray(1)) }, now, state)
    while (this.#heldBytes > mostHeldBytes) {
      const oldest = this.#waiting.shift()
      if (oldest === undefined) break
      if (this.#stillWaits(oldest.key, oldest.order, state)) this.#release(oldest.key, now, state, out)
    }
  }

  #hold(
    key: string,
    waiting: WaitingConnection | null,
    facts: ConnectionFacts,
    record: HeldRecord,
    now: number,
    state: State,
  ): void {
    this.#heldBytes += record.body.length
    if (waiting !== null) {
      const entry = state.update(key) as WaitingConnection
      entry.facts = facts
      entry.held.push(record)
      return
    }
    const deadline = now + waitMs
    const order = this.#nextOrder++
    state.set(key, { kind: 'waiting', facts, held: [record], deadline, order })
    this.#waiting.push({ key, deadline, order })
  }

  /** What was named meanwhile stays in the queue until its time. */
  #stillWaits(key: string, order: number, state: State): boolean {
    const entry = state.get(key)
    return entry?.kind === 'waiting' && entry.order === order
  }

  /** Names a waiting connection by what is known, and writes what was held of it. */
  #release(key: string, timestamp: number, state: State, out: Output): void {
    const waiting = state.get(key) as WaitingConnection
    this.#writeHeld(waiting, this.#name(key, waiting.facts, timestamp, state), timestamp, out)
  }

  #writeHeld(waiting: WaitingConnection, names: ConnectionNames, timestamp: number, out: Output): void {
    for (const { branch, body } of waiting.held) {
      this.#heldBytes -= body.length
      const source = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
      this.#splice.emit(out, names.key, timestamp, branch, names.parties, source, 0)
    }
  }

  #name(key: string, facts: ConnectionFacts, now: number, state: State): ConnectionNames {
    const { client, server, final } = this.#naming.ends(facts, now, state)
    const entry: NamedConnection = {
      kind: 'named',
      parties: this.#partyBytes.of(client, server),
      service: client.name,
      final,
      facts: final ? null : facts,
      openEnds: facts.client !== null && facts.server !== null ? 2 : 1,
      endedAt: null,
      usedAt: now,
    }
    state.set(key, entry)
    return this.#cache(key, entry)
  }

  /** Renews a named connection; takes a name from the first Host header seen of it. */
  #useAgain(
    id: string,
    key: string,
    entry: NamedConnection,
    now: number,
    message: Observation | null,
    state: State,
  ): ConnectionNames {
    const requestHost = message?.facts.requestHost ?? null
    if (entry.facts !== null && message !== null && requestHost !== null) {
      const { openEnds, endedAt } = entry
      const names = this.#name(key, { ...entry.facts, requestHost, time: message.facts.time }, now, state)
      Object.assign(state.update(key) as NamedConnection, { openEnds, endedAt })
      return names
    }
    if (now - entry.usedAt <= renewMs) return this.#named.get(id) as ConnectionNames
    const renewed = state.update(key) as NamedConnection
    renewed.usedAt = now
    return this.#cache(key, renewed)
  }

  #end(key: string, now: number, state: State): void {
    const entry = state.get(key)
    if (entry?.kind !== 'named' || entry.endedAt !== null) return
    const changed = state.update(key) as NamedConnection
    changed.openEnds--
    if (changed.openEnds > 0) return
    changed.endedAt = now
    this.#ended.push({ key, at: now })
  }

  #cache(key: string, entry: NamedConnection): ConnectionNames {
    const { buffer, byteOffset, byteLength } = entry.parties
    const cached = {
      parties: Buffer.from(buffer, byteOffset, byteLength),
      key: this.#keyOf(entry.service),
      final: entry.final,
      usedAt: entry.usedAt,
    }
    this.#named.set(idOf(key), cached)
    return cached
  }

  #forget(key: string, state: State): void {
    state.delete(key)
    this.#named.delete(idOf(key))
  }

  #keyOf(service: string): Buffer {
    const known = this.#keys.get(service)
    if (known !== undefined) return known
    if (this.#keys.size >= 4096) this.#keys.clear()
    const key = Buffer.from(service)
    this.#keys.set(service, key)
    return key
  }
}

interface Unnamed extends Observation {
  key: string
  waiting: WaitingConnection | null
  branch: number
  /** The encoded record with its branch byte. */
  record: Buffer
  now: number
}

function stateKey(id: string): string {
  return `k${Buffer.from(id, 'latin1').toString('hex')}`
}

function idOf(key: string): string {
  return Buffer.from(key.slice(1), 'hex').toString('latin1')
}
