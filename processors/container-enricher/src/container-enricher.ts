import type { InputRecord, KeyedState, Output, Processor, ProcessorInstance } from '@syscribe/runtime'
import type { ProcessSeen, TopicCodec } from '@syscribe/schemas'
import { answerTable } from './answer-table.js'
import { ofConnection, ofEnd, ofMessage } from './connection-facts.js'
import { ConnectionTable } from './connection-table.js'
import { ContainerTable } from './container-table.js'
import { type EnricherEntry, enricherStateFormat } from './enricher-state.js'
import { hostTable } from './host-table.js'
import { listenerTable } from './listener-table.js'
import { mentionTable } from './mention-table.js'
import { Naming } from './naming.js'
import { OwnEncoding } from './own-encoding.js'
import { placeOf } from './place.js'
import { ProcessTable } from './process-table.js'
import { trafficBranch } from './traffic-splice.js'

/** How often abandoned entries are looked for. Milliseconds of event time. */
const sweepMs = 10 * 60_000

/** Names both ends of every HTTP message and connection, by the rules of docs/names.md. */
export const containerEnricher: Processor<EnricherEntry> = {
  name: 'container-enricher',
  streams: ['http', 'connections'],
  tables: ['processes', 'containers', 'names'],
  outputs: [{ topic: 'traffic', partition: 'key' }],
  state: enricherStateFormat,
  create: () => new ContainerEnricher(),
}

type State = KeyedState<EnricherEntry>

class ContainerEnricher implements ProcessorInstance<EnricherEntry> {
  readonly #processes = new ProcessTable()
  readonly #containers = new ContainerTable()
  readonly #connections = new ConnectionTable(new Naming(this.#processes, this.#containers))
  readonly #messages = new OwnEncoding('http')
  readonly #classified = new OwnEncoding('connections')
  #loaded = false
  #sweptAt = Number.NEGATIVE_INFINITY

  step(input: InputRecord, state: State, out: Output): void {
    if (!this.#loaded) this.#load(state)
    if (input.topic === 'http') this.#message(input, state, out)
    else if (input.topic === 'connections') this.#connection(input, state, out)
    else this.#table(input, state, out)
  }

  watermark(time: number, final: boolean, state: State, out: Output): void {
    if (!this.#loaded) this.#load(state)
    this.#connections.releaseDue(time, state, out)
    if (state.get(newsKey) !== undefined) {
      state.delete(newsKey)
      this.#connections.lookThrough(time, state, out)
    }
    if (final) this.#connections.releaseAll(time, state, out)
    this.#connections.forgetEnded(time, state)
    for (const process of this.#processes.sweep(time, state)) answerTable.forget(process, state)
    if (time - this.#sweptAt >= sweepMs) this.#sweep(time, state)
  }

  #message(input: InputRecord, state: State, out: Output): void {
    if (input.codec.kindOf(input.value) !== messageKind) return
    const record = this.#messages.of(input, messageKind)
    const id = connectionId(record)
    const names = this.#connections.settled(id, input.timestamp)
    if (names !== undefined) {
      this.#releaseDue(input.timestamp, state, out)
      this.#connections.write(names, trafficBranch.message, record, input.timestamp, out)
      return
    }
    const observation = ofMessage(input)
    this.#releaseDue(input.timestamp, state, out)
    this.#connections.take(id, trafficBranch.message, record, input, observation, state, out)
  }

  #connection(input: InputRecord, state: State, out: Output): void {
    const kind = input.codec.kindOf(input.value)
    if (kind !== 'Connection' && kind !== 'ConnectionEnd') return
    const record = this.#classified.of(input, kind)
    const branch = kind === 'ConnectionEnd' ? trafficBranch.end : trafficBranch.connection
    const id = connectionId(record)
    const names = this.#connections.settled(id, input.timestamp)
    if (names !== undefined) {
      this.#releaseDue(input.timestamp, state, out)
      this.#connections.write(names, branch, record, input.timestamp, out)
      if (branch === trafficBranch.end) this.#connections.end(id, input.timestamp, state)
      return
    }
    const observation = kind === 'ConnectionEnd' ? ofEnd(input) : ofConnection(input)
    this.#releaseDue(input.timestamp, state, out)
    this.#connections.take(id, branch, record, input, observation, state, out)
  }

  #table(input: InputRecord, state: State, out: Output): void {
    const codec = input.codec as unknown as TopicCodec<'processes' | 'containers' | 'names'>
    const { kind, value } = codec.decode(input.value)
    this.#releaseDue(input.timestamp, state, out)
    if (kind === 'ProcessSeen') this.#process(value, input.timestamp, state)
    else if (kind === 'ProcessExited') this.#processes.exit(value, input.timestamp, state)
    else if (kind === 'Container') {
      this.#containers.put(value, input.timestamp, state)
      state.set(newsKey, { kind: 'news' })
    } else if (kind === 'ContainerHost') {
      this.#containers.seeBoot(value.host, value.boot.toString('hex'), value.time, state)
      const since = hostTable.put(value, input.timestamp, state)
      if (since !== null) this.#containers.endUntold(value.host, since, state)
      state.set(newsKey, { kind: 'news' })
    } else if (kind === 'NameAnswer') answerTable.put(value, input.timestamp, state)
  }

  #process(seen: ProcessSeen, now: number, state: State): void {
    this.#processes.put(seen, now, state)
    const place = placeOf(seen.cgroup)
    const mentioned = place.containerIds[0] ?? (place.chosen ? place.cgroup : null)
    if (mentioned !== null && !this.#containers.knows(seen.host, mentioned, now, state)) {
      mentionTable.put(seen.host, mentioned, now, state)
    }
  }

  /** Behind whatever of the record may throw: a step that fails must not have let go of what was held. */
  #releaseDue(time: number, state: State, out: Output): void {
    if (time >= this.#connections.nextDeadline) this.#connections.releaseDue(time, state, out)
  }

  #load(state: State): void {
    this.#loaded = true
    for (const [key, entry] of state.entries()) {
      if (entry.kind === 'process') this.#processes.load(key, entry)
      else if (entry.kind === 'container') this.#containers.load(key, entry)
      else if (entry.kind === 'named' || entry.kind === 'waiting') this.#connections.load(key, entry)
    }
    this.#processes.loaded()
    this.#connections.loaded()
  }

  #sweep(time: number, state: State): void {
    this.#sweptAt = time
    for (const [key, entry] of [...state.entries()]) {
      if (entry.kind === 'named') this.#connections.sweep(key, entry, time, state)
      else if (entry.kind === 'container') this.#containers.sweep(key, entry, time, state)
      else if (entry.kind === 'listener') listenerTable.sweep(key, entry, this.#processes, state)
      else if (entry.kind === 'mention') mentionTable.sweep(key, entry.at, time, state)
      else if (entry.kind === 'answers' && answerTable.isOld(entry, time)) {
        if (this.#processes.isUnknown(key.slice(1), state)) answerTable.forget(key.slice(1), state)
      }
    }
  }
}

/** Where the state keeps that there is news. */
const newsKey = 'news'

const messageKind = 'HttpMessage' as const

/** Bytes 1 to 8 of every record of both streams: `connection` is the first field. ISO 8859-1 keeps them apart. */
function connectionId(record: Buffer): string {
  return record.toString('latin1', 1, 9)
}
