import type { InputRecord, KeyedState, Output } from '@syscribe/runtime'
import type { Observation } from './connection-facts.js'
import { together } from './connection-facts.js'
import { DeadlineQueue } from './deadline-queue.js'
import type {
  ConnectionFacts,
  EnricherEntry,
  HeldRecord,
  NamedConnection,
  OpenNames,
  WaitingConnection,
} from './enricher-state.js'
import type { Naming } from './naming.js'
import { PartyBytes } from './party-bytes.js'
import { TrafficSplice, trafficBranch } from './traffic-splice.js'

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
 * later when it is observed too; and its container may be told of later than it. So the record is held as long as
 * `Naming.waitsUntil` says that an end may yet be named otherwise.
 */
export class ConnectionTable {
  readonly #naming: Naming
  readonly #partyBytes = new PartyBytes()
  readonly #splice = new TrafficSplice()
  /** By the connection id's bytes as ISO 8859-1. A cache of the state. */
  readonly #named = new Map<string, ConnectionNames>()
  /** Keys of clients' names, shared by their connections. */
  readonly #keys = new Map<string, Buffer>()
  /** State keys of the connections that wait. A cache of the state. */
  readonly #waiting = new DeadlineQueue()
  /** Of a restored state, until all of it is known. */
  #restored: { key: string; deadline: number; order: number }[] = []
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
      this.#restored.push({ key, deadline: entry.deadline, order: entry.order })
      for (const held of entry.held) this.#heldBytes += held.body.length
      this.#nextOrder = Math.max(this.#nextOrder, entry.order + 1)
    } else {
      this.#cache(key, entry)
      if (entry.endedAt !== null) this.#ended.push({ key, at: entry.endedAt })
    }
  }
  loaded(): void {
    this.#restored.sort((a, b) => a.order - b.order)
    for (const { key, deadline, order } of this.#restored) this.#waiting.put(key, deadline, order)
    this.#restored = []
  }

  /** When the next connection has waited long enough. Milliseconds. */
  get nextDeadline(): number {
    return this.#waiting.nextDeadline
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
      const names = this.#useAgain(id, key, entry, now, observation, state)
      this.write(names, branch, record, now, out)
      if (branch === trafficBranch.end) this.#end(key, now, state)
    } else {
      const waiting = entry?.kind === 'waiting' ? entry : null
      this.#takeUnnamed({ key, waiting, branch, record, now, ...observation }, state, out)
    }
  }

  /** Names what has waited long enough at `time`, and writes it. */
  releaseDue(time: number, state: State, out: Output): void {
    for (const { key, deadline } of this.#waiting.takeDue(time)) this.#release(key, deadline, state, out)
  }

  /** Names what waits for nothing more, now that something new is known of containers. */
  lookThrough(time: number, state: State, out: Output): void {
    for (const key of this.#waiting.keys()) {
      const waiting = state.get(key) as WaitingConnection
      const until = this.#naming.waitsUntil(waiting.facts, waiting.settled, waiting.since, time, state)
      if (until <= time) this.#release(key, time, state, out)
      else if (until !== waiting.deadline) this.#moveDeadline(key, until, state)
    }
  }

  /** Names all that waits: nothing more comes. */
  releaseAll(time: number, state: State, out: Output): void {
    for (const key of this.#waiting.keys()) {
      this.#release(key, Math.max(time, (state.get(key) as WaitingConnection).since), state, out)
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
    const settles = record.settled && !this.#naming.isBeingFound(record.facts, state)
    const settled = settles || waiting?.settled === true
    const until = this.#naming.waitsUntil(facts, settled, waiting?.since ?? now, now, state)
    if (until > now) {
      this.#hold({ ...record, facts, settled }, until, state)
      while (this.#heldBytes > mostHeldBytes) this.#release(this.#waiting.oldest() as string, now, state, out)
      return
    }
    if (waiting === null && branch === trafficBranch.end) {
      // Nothing of it was written before, and nothing will be: there is nothing to remember.
      const { client, server } = this.#naming.ends(facts, now, state)
      const parties = this.#partyBytes.of(client, server)
      this.#splice.emit(out, this.#keyOf(client.name), now, branch, parties, record.record, 1)
      return
    }
    const names = this.#name(key, facts, settled, now, state)
    if (waiting !== null) this.#writeHeld(key, waiting, names, now, state, out)
    this.write(names, branch, record.record, now, out)
    if (branch === trafficBranch.end) this.#end(key, now, state)
  }

  #hold({ key, waiting, facts, settled, branch, record, now }: Unnamed, deadline: number, state: State): void {
    const held: HeldRecord = { branch, body: Buffer.from(record.subarray(1)) }
    this.#heldBytes += held.body.length
    if (waiting === null) {
      const order = this.#nextOrder++
      state.set(key, { kind: 'waiting', facts, settled, held: [held], since: now, deadline, order })
      this.#waiting.put(key, deadline, order)
      return
    }
    const entry = state.update(key) as WaitingConnection
    entry.facts = facts
    entry.settled = settled
    entry.held.push(held)
    if (deadline !== entry.deadline) this.#moveDeadline(key, deadline, state)
  }

  #moveDeadline(key: string, deadline: number, state: State): void {
    const entry = state.update(key) as WaitingConnection
    entry.deadline = deadline
    this.#waiting.put(key, deadline, entry.order)
  }

  /** Names a waiting connection by what is known, and writes what was held of it. */
  #release(key: string, timestamp: number, state: State, out: Output): void {
    const waiting = state.get(key) as WaitingConnection
    const names = this.#name(key, waiting.facts, waiting.settled, timestamp, state)
    this.#writeHeld(key, waiting, names, timestamp, state, out)
  }

  #writeHeld(
    key: string,
    waiting: WaitingConnection,
    names: ConnectionNames,
    timestamp: number,
    state: State,
    out: Output,
  ): void {
    this.#waiting.delete(key)
    for (const { branch, body } of waiting.held) {
      this.#heldBytes -= body.length
      const source = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
      this.#splice.emit(out, names.key, timestamp, branch, names.parties, source, 0)
      if (branch === trafficBranch.end) this.#end(key, timestamp, state)
    }
  }

  #name(key: string, facts: ConnectionFacts, settled: boolean, now: number, state: State): ConnectionNames {
    const { client, server, final } = this.#naming.ends(facts, now, state)
    const bothKnown = facts.client !== null && facts.server !== null
    const entry: NamedConnection = {
      kind: 'named',
      parties: this.#partyBytes.of(client, server),
      service: client.name,
      open: (bothKnown || settled) && final ? null : { facts, client, server, final, settled },
      openEnds: bothKnown ? 2 : 1,
      endedAt: null,
      usedAt: now,
    }
    state.set(key, entry)
    return this.#cache(key, entry)
  }

  /** Renews a named connection, and takes in what its records say that was not known when it was named. */
  #useAgain(
    id: string,
    key: string,
    entry: NamedConnection,
    now: number,
    observation: Observation,
    state: State,
  ): ConnectionNames {
    const learned = entry.open === null ? null : this.#learn(entry.open, observation, now, state)
    if (learned === null && now - entry.usedAt <= renewMs) return this.#named.get(id) as ConnectionNames
    const renewed = state.update(key) as NamedConnection
    renewed.usedAt = now
    if (learned !== null) {
      const { facts, client, server, final, settled } = learned
      const bothKnown = facts.client !== null && facts.server !== null
      if (bothKnown && (entry.open?.facts.client === null || entry.open?.facts.server === null)) renewed.openEnds++
      renewed.parties = this.#partyBytes.of(client, server)
      renewed.open = (bothKnown || settled) && final ? null : learned
    }
    return this.#cache(key, renewed)
  }

  /**
   * What a record adds to an open connection, null when nothing: a process that shows itself late, which takes its place
   * but changes no name, and the first Host header, which names what only had an address.
   */
  #learn(open: OpenNames, { facts: said, settled }: Observation, now: number, state: State): OpenNames | null {
    const facts = together(open.facts, said)
    const isNamed = !open.final && facts.server === null && open.facts.requestHost === null && said.requestHost !== null
    const shown = facts.client !== open.facts.client || facts.server !== open.facts.server
    if (!isNamed && !shown && (open.settled || !settled)) return null
    const learned: OpenNames = { ...open, facts, settled: open.settled || settled }
    if (!isNamed && !shown) return learned
    const ends = this.#naming.ends({ ...facts, time: said.time }, now, state)
    if (isNamed) return { ...learned, server: ends.server, final: ends.final }
    return {
      ...learned,
      client: { ...open.client, process: open.client.process ?? ends.client.process },
      server: { ...open.server, process: open.server.process ?? ends.server.process },
      final: true,
    }
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
      final: entry.open === null,
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
