import type { InputRecord, KeyedState, Output, Processor, ProcessorInstance } from '@syscribe/runtime'
import { type ProcessExited, type ProcessSeen, processKeyText, type TopicCodec } from '@syscribe/schemas'
import { environmentOf, imageFingerprint } from './environment-of.js'
import { hostKey, type KnownProcess, knownProcessFormat, processKey } from './known-process.js'

/** How long after its first image a process is given to become what it will be. Milliseconds of event time. */
export const settleMs = 500

/**
 * Writes down the environment of every observed process once, when it is first known, and again when it executes
 * another program or with another environment.
 *
 * Programs are often started through others in the same process (`sh -c`, entrypoint scripts): the last image within
 * `settleMs` of the first is the one written, or the one at its exit or at the end of capture.
 */
export const envReader: Processor<KnownProcess> = {
  name: 'env-reader',
  streams: ['processes'],
  tables: [],
  outputs: [{ topic: 'environments', partition: 'input' }],
  state: knownProcessFormat,
  create: () => new EnvReader(),
}

type State = KeyedState<KnownProcess>

class EnvReader implements ProcessorInstance<KnownProcess> {
  /** Keys of the processes that wait, in the order of their deadlines. A cache of the state. */
  #waiting: string[] | undefined
  /** The boot last seen of each host. A cache of the state. */
  readonly #boots = new Map<string, string>()

  step(input: InputRecord, state: State, out: Output): void {
    const record = (input.codec as unknown as TopicCodec<'processes'>).decode(input.value)
    this.#writeDue(input.timestamp, state, out)
    if (record.kind === 'ProcessSeen') this.#seen(record.value, input, state, out)
    else if (record.kind === 'ProcessExited') this.#exited(record.value, input.timestamp, state, out)
  }

  watermark(time: number, final: boolean, state: State, out: Output): void {
    this.#writeDue(time, state, out)
    if (!final) return
    for (const key of this.#queue(state).splice(0)) {
      // The end may be stated as just before the last records.
      const began = (state.get(key)?.held?.deadline ?? time) - settleMs
      writeHeld(key, Math.max(time, began), state, out)
    }
  }

  #seen(image: ProcessSeen, input: InputRecord, state: State, out: Output): void {
    this.#forgetOlderBoots(image, input.timestamp, state, out)
    const key = processKey(image)
    let known = state.get(key)
    if (known !== undefined && known.processStart !== image.processStart) {
      // The pid is used again: the exit of the earlier process was not seen.
      this.#forget(key, input.timestamp, state, out)
      known = undefined
    }
    if (known === undefined) {
      const { processStart, time, timeNanos } = image
      state.set(key, { processStart, held: null, written: null, time, timeNanos })
    } else if (image.reason !== 'exec' || !isLater(image, known)) {
      // The same process found once more, by a scan or in a record given twice.
      return
    }
    const entry = state.update(key) as KnownProcess
    entry.time = image.time
    entry.timeNanos = image.timeNanos
    // The names of /etc/hosts are no part of what is written.
    const kept = { ...image, hosts: [] }
    if (entry.held !== null) {
      entry.held.image = kept
      return
    }
    this.#queue(state).push(key)
    entry.held = { image: kept, deadline: input.timestamp + settleMs, offset: input.offset }
  }

  #exited(exit: ProcessExited, timestamp: number, state: State, out: Output): void {
    const key = processKey(exit)
    if (state.get(key)?.processStart === exit.processStart) this.#forget(key, timestamp, state, out)
  }

  #forget(key: string, timestamp: number, state: State, out: Output): void {
    if (state.get(key)?.held !== null) {
      const queue = this.#queue(state)
      queue.splice(queue.indexOf(key), 1)
      writeHeld(key, timestamp, state, out)
    }
    state.delete(key)
  }

  /** After a restart of a host nothing of its earlier boot runs, though nobody saw it exit. */
  #forgetOlderBoots(image: ProcessSeen, timestamp: number, state: State, out: Output): void {
    const boot = hostKey(image)
    if (this.#boots.get(image.host) === boot) return
    this.#boots.set(image.host, boot)
    const keys = [...state.entries()].map(([key]) => key)
    const older = keys.filter((key) => key.startsWith(`${image.host}/`) && !key.startsWith(`${boot}/`))
    for (const key of older.sort()) this.#forget(key, timestamp, state, out)
  }

  #writeDue(time: number, state: State, out: Output): void {
    const queue = this.#queue(state)
    let due = 0
    for (; due < queue.length; due++) {
      const key = queue[due] as string
      const deadline = state.get(key)?.held?.deadline ?? Number.NEGATIVE_INFINITY
      if (deadline > time) break
      writeHeld(key, deadline, state, out)
    }
    if (due > 0) queue.splice(0, due)
  }

  #queue(state: State): string[] {
    if (this.#waiting !== undefined) return this.#waiting
    const held = [...state.entries()].flatMap(([key, known]) => (known.held === null ? [] : [{ key, ...known.held }]))
    held.sort((a, b) => a.deadline - b.deadline || a.offset - b.offset)
    this.#waiting = held.map((one) => one.key)
    return this.#waiting
  }
}

/** Writes the image held of a process, unless it is as the one written before. */
function writeHeld(key: string, timestamp: number, state: State, out: Output): void {
  const known = state.update(key)
  if (known === undefined || known.held === null) return
  const { image } = known.held
  known.held = null
  const fingerprint = imageFingerprint(image)
  if (known.written === fingerprint) return
  known.written = fingerprint
  out.emit('environments', 'Environment', environmentOf(image), environmentKey(image), timestamp)
}

/** One key per image, so that compaction keeps each: a later program in the process does not undo the earlier. */
function environmentKey(image: ProcessSeen): Buffer {
  return Buffer.from(`${processKeyText(image)}/${image.time}.${String(image.timeNanos).padStart(3, '0')}`)
}

function isLater(image: ProcessSeen, known: KnownProcess): boolean {
  return image.time > known.time || (image.time === known.time && image.timeNanos > known.timeNanos)
}
