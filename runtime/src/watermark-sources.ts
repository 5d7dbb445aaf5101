import type { Watermark } from '@syscribe/schemas'

/**
 * A source that falls this far behind the furthest one of its partition no longer holds the partition back: its host
 * was lost without a final watermark. Milliseconds of event time, so that a replay decides alike.
 */
export const lostSourceMs = 600_000

/** How far a host, a partition or all inputs are known. */
export interface Progress {
  /** Microseconds since the Unix epoch. */
  readonly time: number
  /** Nanoseconds beyond `time`. */
  readonly nanos: number
  readonly final: boolean
}

interface Source extends Progress {
  readonly host: string
  /** The boot identity, as latin1 text. */
  readonly boot: string
}

/** As written into a checkpoint. */
export type SavedSource = [id: string, host: string, boot: string, time: number, nanos: number, final: 0 | 1]

/**
 * The watermarks of one partition by their source: the record's key with the host, because a partition of a derived
 * topic gets the watermarks of one host from every instance that writes there.
 */
export class WatermarkSources {
  #sources = new Map<string, Source>()
  /** What `progress` and `progressOf` have found since the last change; null: of all. */
  readonly #found = new Map<string | null, Progress | undefined>()

  /** How far the partition would be known with `watermark` of `id`. */
  progressWith(id: string, watermark: Watermark): Progress {
    return progressOf(this.#with(id, watermark)) as Progress
  }

  set(id: string, watermark: Watermark): void {
    this.#sources = this.#with(id, watermark)
    this.#found.clear()
  }

  /**
   * An instance that writes beside others says how many they are. Those that have not spoken of the host yet, or not since
   * it came back, have everything before them still to write: they stand where this one stands.
   */
  #with(id: string, watermark: Watermark): Map<string, Source> {
    const source = sourceOf(watermark)
    const sources = new Map(this.#sources).set(id, source)
    const written = /^(.*)\/(\d+) of (\d+)\0/s.exec(id)
    if (written === null) return sources
    const [, group, own, count] = written
    for (let instance = 0; instance < Number(count); instance++) {
      if (instance === Number(own)) continue
      const other = `${group}/${instance} of ${count}\0${source.host}`
      const known = sources.get(other)
      const cameBack = known?.final === true && !source.final && compare(known, source) < 0
      if (known === undefined || cameBack) sources.set(other, { ...source, final: false })
    }
    return sources
  }

  /** How far the partition is known; undefined before its first watermark. */
  progress(): Progress | undefined {
    return this.#find(null)
  }

  /** How far one host is known here; undefined before its first watermark. */
  progressOf(host: string): Progress | undefined {
    return this.#find(host)
  }

  #find(host: string | null): Progress | undefined {
    if (this.#found.has(host)) return this.#found.get(host)
    const all = this.#sources
    const progress = progressOf(host === null ? all : new Map([...all].filter(([, source]) => source.host === host)))
    this.#found.set(host, progress)
    return progress
  }

  /** Sources that hold the partition back: neither ended nor lost. */
  get counting(): number {
    return holding(this.#sources).filter(({ final }) => !final).length
  }

  /** Time of the furthest source, microseconds; undefined before the first watermark. */
  furthest(): number | undefined {
    let furthest: number | undefined
    for (const { time } of this.#sources.values()) if (furthest === undefined || time > furthest) furthest = time
    return furthest
  }

  /** Every host seen here, with its boot of now. */
  hosts(): Map<string, Buffer> {
    return new Map([...this.#sources.values()].map(({ host, boot }) => [host, Buffer.from(boot, 'latin1')]))
  }

  save(): SavedSource[] {
    return [...this.#sources].map(([id, { host, boot, time, nanos, final }]) => [
      id,
      host,
      boot,
      time,
      nanos,
      final ? 1 : 0,
    ])
  }

  restore(saved: readonly SavedSource[]): void {
    this.#found.clear()
    this.#sources.clear()
    for (const [id, host, boot, time, nanos, final] of saved) {
      this.#sources.set(id, { host, boot, time, nanos, final: final === 1 })
    }
  }
}

/** Key of the watermarks that one of several instances writes: `sourceId` finds the others in it. */
export function instanceKey(host: string, processor: string, instance: number, of: number): string {
  return `watermark/${host}/${processor}/${instance}${of > 1 ? ` of ${of}` : ''}`
}

export function sourceId(key: Buffer | null, host: string): string {
  return `${key === null ? '' : key.toString('latin1')}\0${host}`
}

/**
 * The minimum of those that are not final, leaving out the lost; when all are final, the maximum, final.
 * Undefined for none.
 */
export function slowest(all: readonly Progress[]): Progress | undefined {
  let furthest: Progress | undefined
  for (const progress of all) if (furthest === undefined || compare(progress, furthest) > 0) furthest = progress
  if (furthest === undefined) return undefined
  let least: Progress | undefined
  for (const progress of all) {
    if (progress.final || isLost(progress, furthest.time)) continue
    if (least === undefined || compare(progress, least) < 0) least = progress
  }
  return least === undefined
    ? { time: furthest.time, nanos: furthest.nanos, final: true }
    : { time: least.time, nanos: least.nanos, final: false }
}

/** All but those of lost hosts: an instance that is behind the others is only slow, for its host is known further. */
function holding(sources: ReadonlyMap<string, Source>): Source[] {
  const reached = new Map<string, number>()
  let furthest = Number.NEGATIVE_INFINITY
  for (const { host, time } of sources.values()) {
    reached.set(host, Math.max(time, reached.get(host) ?? time))
    furthest = Math.max(furthest, time)
  }
  return [...sources.values()].filter(({ host }) => !isLost({ time: reached.get(host) as number }, furthest))
}

/** The minimum over the sources that hold the partition back; when all have ended, the last end. */
function progressOf(sources: ReadonlyMap<string, Source>): Progress | undefined {
  const going = holding(sources).filter(({ final }) => !final)
  const all = going.length > 0 ? going : [...sources.values()]
  let found: Progress | undefined
  for (const source of all) {
    if (found === undefined || (going.length > 0 ? compare(source, found) < 0 : compare(source, found) > 0))
      found = source
  }
  return found && { time: found.time, nanos: found.nanos, final: going.length === 0 }
}

function isLost({ time }: { time: number }, furthest: number): boolean {
  return time < furthest - lostSourceMs * 1000
}

export function compare(a: Progress, b: Progress): number {
  return a.time - b.time || a.nanos - b.nanos
}

/** Lowest timestamp (ms) that a later record can have: a final one leaves its own millisecond behind. */
export function floorOf(progress: { time: number; nanos?: number; final: boolean }): number {
  const milliseconds = Math.floor(progress.time / 1000)
  return progress.final ? milliseconds + 1 : milliseconds
}

/**
 * Lowest time of later records once a partition that stood at `floor` is known up to `progress`. When everything has
 * ended it rises in any case: records that came late stand at the floor itself, and would wait for ever for other
 * partitions that stay there too.
 */
export function floorAfter(floor: number, progress: Progress): number {
  return Math.max(progress.final ? floor + 1 : floor, floorOf(progress))
}

function sourceOf({ host, boot, time, timeNanos, final }: Watermark): Source {
  return { host, boot: boot.toString('latin1'), time, nanos: timeNanos, final }
}
