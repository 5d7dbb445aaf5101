import type { KeyedState } from '@syscribe/runtime'
import { type ProcessExited, type ProcessKey, type ProcessSeen, processKeyText } from '@syscribe/schemas'
import type { EnricherEntry, KnownProcess } from './enricher-state.js'
import { type ProcessImage, processImage } from './process-image.js'

/** What a process sent shows up after its exit: what the kernel closes for it, and what was given up then. */
export const exitedMemoryMs = 60_000
const mostImages = 8

type State = KeyedState<EnricherEntry>

/** The observed processes of all hosts, each with the programs it ran, as of any recent time. */
export class ProcessTable {
  /** State keys by `host/boot/pid`. A cache of the state. */
  readonly #byPid = new Map<string, string>()
  /** The boot last seen of each host. A cache of the state. */
  readonly #boots = new Map<string, string>()
  /** State keys in the order of their exits. A cache of the state. */
  #exits: { key: string; at: number }[] = []

  /** Takes in what a restored state holds; `loaded` when all of it has been given. */
  load(key: string, entry: KnownProcess): void {
    if (entry.exitedAt === null) this.#byPid.set(entry.pid, key)
    else this.#exits.push({ key, at: entry.exitedAt })
  }
  loaded(): void {
    this.#exits.sort((a, b) => a.at - b.at)
  }

  put(seen: ProcessSeen, now: number, state: State): void {
    const key = stateKey(seen)
    this.#exitOlder(seen, key, now, state)
    const known = state.get(key)
    if (known?.kind !== 'process') {
      const pid = pidKey(seen)
      const found = seen.reason === 'adopted' ? { foundAt: seen.time } : {}
      state.set(key, { kind: 'process', pid, images: [processImage(seen)], exitedAt: null, ...found })
      this.#byPid.set(pid, key)
      return
    }
    // Found once more by a scan: what it was at its exec names it better than a title it may show by now.
    const latest = known.images.at(-1)
    if (seen.reason !== 'exec' || (latest !== undefined && seen.time <= latest.time)) return
    const { images } = state.update(key) as KnownProcess
    images.push(processImage(seen))
    if (images.length > mostImages) images.shift()
  }

  exit(exited: ProcessExited, now: number, state: State): void {
    this.#markExited(stateKey(exited), now, state)
  }

  /** The image a process had at `time` (microseconds), else its first; null when the process is not known. */
  at(process: ProcessKey, time: number, now: number, state: State): ProcessImage | null {
    const entry = state.get(stateKey(process))
    if (entry?.kind !== 'process' || isForgotten(entry, now)) return null
    return entry.images.findLast((image) => image.time <= time) ?? entry.images[0] ?? null
  }

  /** When a process was found that ran already, microseconds; -Infinity for others. */
  foundAt(process: ProcessKey, state: State): number {
    const entry = state.get(stateKey(process))
    return (entry?.kind === 'process' ? entry.foundAt : undefined) ?? Number.NEGATIVE_INFINITY
  }

  /** Whether a process is known and has not ended. */
  runs(process: ProcessKey, state: State): boolean {
    const entry = state.get(stateKey(process))
    return entry?.kind === 'process' && entry.exitedAt === null
  }

  /** Whether nothing is known of a process, or no longer. */
  isUnknown(process: string, state: State): boolean {
    return state.get(`p${process}`) === undefined
  }

  /** Forgets processes some time after their exit; returns the `processKeyText` of each. */
  sweep(now: number, state: State): string[] {
    const end = this.#exits.findIndex(({ at }) => at + exitedMemoryMs >= now)
    const gone = this.#exits.splice(0, end < 0 ? this.#exits.length : end)
    for (const { key } of gone) state.delete(key)
    return gone.map(({ key }) => key.slice(1))
  }

  /** A re-used pid, or another boot: the exit of what was there before was not seen. */
  #exitOlder(seen: ProcessSeen, key: string, now: number, state: State): void {
    const before = this.#byPid.get(pidKey(seen))
    if (before !== undefined && before !== key) this.#markExited(before, now, state)
    const boot = bootKey(seen)
    if (this.#boots.get(seen.host) === boot) return
    this.#boots.set(seen.host, boot)
    for (const [pid, older] of [...this.#byPid].sort()) {
      if (pid.startsWith(`${seen.host}/`) && !pid.startsWith(`${boot}/`)) this.#markExited(older, now, state)
    }
  }

  #markExited(key: string, now: number, state: State): void {
    const entry = state.get(key)
    if (entry?.kind !== 'process' || entry.exitedAt !== null) return
    ;(state.update(key) as KnownProcess).exitedAt = now
    if (this.#byPid.get(entry.pid) === key) this.#byPid.delete(entry.pid)
    this.#exits.push({ key, at: now })
  }
}

function stateKey(process: ProcessKey): string {
  return `p${processKeyText(process)}`
}

function bootKey(process: { host: string; boot: Buffer }): string {
  return `${process.host}/${process.boot.toString('hex')}`
}

function pidKey(process: ProcessKey): string {
  return `${bootKey(process)}/${process.pid}`
}

/** The same whether it was swept or not, so that naming does not depend on when that is. */
function isForgotten(entry: KnownProcess, now: number): boolean {
  return entry.exitedAt !== null && entry.exitedAt + exitedMemoryMs < now
}
