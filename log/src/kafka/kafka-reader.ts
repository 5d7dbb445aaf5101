import { LogError } from '../errors.js'
import type { FetchedBatch, Reader, ReaderOptions, ReadPosition, TopicPartition } from '../log.js'
import type { Cluster } from './client/cluster.js'
import { faultOf, KafkaFault, logError } from './client/fault.js'
import { type FetchedPartition, fetchRequest } from './client/requests/fetch.js'
import { decodeBatches } from './decode-batches.js'
import { emptyBatch } from './empty-batch.js'
import type { Settings } from './options.js'
import type { Topics } from './topics.js'

export interface ReaderContext {
  cluster: Cluster
  topics: Topics
  settings: Settings
  /** @throws LogError `closed` */
  checkOpen(): void
  onClose(reader: KafkaReader): void
}

interface Position {
  topic: string
  partition: number
  /** As the cluster calls the topic. */
  physical: string
  /** What the next poll gives begins here. */
  next: number
  /** Where the next fetch begins: beyond what is buffered. */
  ahead: number
  buffered: FetchedBatch[]
  /** Why nothing more can be fetched; told once what is buffered is gone. */
  fault: LogError | null
  /** The last answer left nothing behind that could be read. */
  atEnd: boolean
  /** When it came, on the clock of performance.now(). */
  answeredAt: number
  /** Since when no broker gives an answer for it; null while one does. */
  silentSince: number | null
  failedAt: number
  lastFault: unknown
  /** A fetch for it is under way. */
  asked: 'no' | 'yes' | 'until there is news'
}

/** What the last answer said may be taken for true, when nobody is asked meanwhile. */
const freshMs = 5

function isAtEnd({ atEnd, asked, answeredAt }: Position): boolean {
  return atEnd && (asked === 'until there is news' || performance.now() - answeredAt < freshMs)
}

const defaultMaxBytes = 1024 * 1024
/** How long a fetch waits at the broker: until then, it holds up others on its connection. */
const longWaitMs = 500
const shortWaitMs = 100
/** After a fault of a broker. */
const pauseMs = 100
const offsetOutOfRange = 1

/**
 * Reads partitions through fetches that run ahead of what is polled: while one answer is worked on, the next is on its
 * way. A poll that waits is one open fetch for each broker.
 */
export class KafkaReader implements Reader {
  readonly #context: ReaderContext
  readonly #maxBytes: number
  readonly #ahead: boolean
  #positions: Position[] = []
  /**
   * Connections of its own: a fetch holds up what is asked after it until there is news. The second is for partitions
   * that are wanted while others are waited for.
   */
  readonly #lanes: readonly Cluster[]
  /** Fetches under way, by lane and broker. */
  readonly #fetching = new Map<string, Promise<void>>()
  /** Counts assignments: answers to fetches for older ones are dropped. */
  #assignment = 0
  #turn = 0
  #pausedUntil = 0
  #wake: (() => void) | null = null
  #closed = false

  constructor(context: ReaderContext, options: ReaderOptions = {}) {
    this.#context = context
    this.#lanes = [context.cluster.apart(), context.cluster.apart()]
    this.#maxBytes = Math.max(1, options.maxBytes ?? defaultMaxBytes)
    this.#ahead = options.ahead ?? false
  }

  async assign(positions: readonly ReadPosition[]): Promise<void> {
    this.#check()
    const { topics } = this.#context
    const offsets = await topics.resolve(positions)
    const resolved = positions.map(({ topic, partition }, index): Position => {
      const at = offsets[index]!
      const physical = topics.physical(topic)
      const begin = { atEnd: false, answeredAt: 0, silentSince: null, failedAt: 0, lastFault: null } as const
      return { topic, partition, physical, next: at, ahead: at, ...begin, buffered: [], fault: null, asked: 'no' }
    })
    this.#check()
    this.#assignment++
    this.#positions = resolved
    this.#pausedUntil = 0
  }

  async poll(
    options: { waitMs?: number; only?: readonly TopicPartition[]; signal?: AbortSignal } = {},
  ): Promise<FetchedBatch[]> {
    this.#check()
    const { waitMs = 0, only, signal } = options
    const began = performance.now()
    const until = began + waitMs
    const wake = () => this.#wake?.()
    signal?.addEventListener('abort', wake)
    try {
      for (;;) {
        const chosen = this.#chosen(only)
        const fault = chosen.find((at) => at.fault !== null && at.buffered.length === 0)?.fault
        if (fault) throw this.#forgive(fault)
        const taken = this.#take(chosen)
        if (taken.length > 0) {
          // What there is already, while this is worked on: to wait for more is for a poll that does, or for `news`.
          this.#fetch(chosen, this.#ahead && chosen.every(({ atEnd }) => atEnd) ? longWaitMs : 0)
          return taken
        }
        if (this.#closed || signal?.aborted) return []
        const left = until - performance.now()
        // Nothing means that the broker has said so, unless it says nothing at all.
        if (left <= 0 && chosen.every(isAtEnd)) return []
        this.#fetch(chosen, left > 0 ? longWaitMs : 0)
        const silent = chosen.filter((at) => at.silentSince !== null)
        this.#checkHeard(silent, left > 0 ? began : 0)
        if (left <= 0 && chosen.every((at) => at.silentSince !== null || isAtEnd(at))) return []
        await this.#news(left > 0 ? left : longWaitMs)
        if (this.#closed) return []
      }
    } finally {
      signal?.removeEventListener('abort', wake)
    }
  }

  async news(options: { waitMs: number; only?: readonly TopicPartition[]; signal: AbortSignal }): Promise<boolean> {
    this.#check()
    const { waitMs, only, signal } = options
    const began = performance.now()
    const wake = () => this.#wake?.()
    signal.addEventListener('abort', wake)
    try {
      for (;;) {
        const chosen = this.#chosen(only)
        if (chosen.some(({ buffered, fault }) => buffered.length > 0 || fault !== null)) return true
        const left = began + waitMs - performance.now()
        if (this.#closed || signal.aborted || left <= 0) return false
        this.#fetch(chosen, longWaitMs)
        const silent = chosen.filter((at) => at.silentSince !== null)
        this.#checkHeard(silent, began)
        await this.#news(left)
      }
    } finally {
      signal.removeEventListener('abort', wake)
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#positions = []
    this.#assignment++
    this.#wake?.()
    for (const lane of this.#lanes) lane.close()
    this.#context.onClose(this)
    await Promise.allSettled(this.#fetching.values())
  }

  #chosen(only: readonly TopicPartition[] | undefined): readonly Position[] {
    if (only === undefined) return this.#positions
    return this.#positions.filter((at) => only.some((one) => one.topic === at.topic && one.partition === at.partition))
  }

  #check(): void {
    if (this.#closed) throw new LogError('closed', 'the reader is closed')
    this.#context.checkOpen()
  }

  /**
   * @param tried since when an attempt must have failed for it to count
   * @throws LogError `unavailable` when brokers have been silent for too long
   */
  #checkHeard(silent: readonly Position[], tried: number): void {
    const since = performance.now() - this.#context.settings.operationTimeoutMs
    const at = silent.find(({ silentSince, failedAt }) => silentSince! < since && failedAt >= tried)
    if (at) throw logError(at.lastFault, `reading topic ${at.topic} partition ${at.partition}`)
  }

  /** A fault is told each time it is met: the next poll tries again. */
  #forgive(fault: LogError): LogError {
    for (const at of this.#positions) if (at.fault === fault) at.fault = null
    return fault
  }

  /** Buffered batches of the partitions in turns, one of each, up to the limit of one poll. */
  #take(chosen: readonly Position[]): FetchedBatch[] {
    const taken: FetchedBatch[] = []
    let bytes = 0
    const count = chosen.length
    let empty = 0
    while (empty < count) {
      const at = chosen[this.#turn++ % count]!
      const batch = at.buffered[0]
      if (batch === undefined) {
        empty++
        continue
      }
      if (taken.length > 0 && bytes + batch.batch.byteLength > this.#maxBytes) break
      empty = 0
      at.buffered.shift()
      at.next = batch.nextOffset
      bytes += batch.batch.byteLength
      taken.push(batch)
      if (bytes >= this.#maxBytes) break
    }
    return taken
  }

  /**
   * Asks for what comes next, once nothing is buffered: a fetch for some partitions that waits for news would hold up
   * the one for those that are through with theirs.
   */
  #fetch(chosen: readonly Position[], waitMs: number): void {
    if (performance.now() < this.#pausedUntil || chosen.some((at) => at.buffered.length > 0)) return
    const idle = chosen.filter((at) => at.fault === null && at.asked === 'no')
    if (idle.length === 0) return
    const assignment = this.#assignment
    for (const at of idle) at.asked = 'yes'
    void Promise.all(idle.map(async (at) => ({ at, broker: await this.#leader(at) }))).then((found) => {
      for (const { at } of found) at.asked = 'no'
      const byBroker = new Map<number, Position[]>()
      for (const { at, broker } of found) {
        if (broker !== null) byBroker.set(broker, [...(byBroker.get(broker) ?? []), at])
      }
      if (assignment !== this.#assignment || this.#closed) return
      for (const [broker, positions] of byBroker) {
        const lane = this.#lanes.findIndex((_, index) => !this.#fetching.has(`${index}/${broker}`))
        if (lane < 0) continue
        const key = `${lane}/${broker}`
        const part = lane > 0 || positions.length < this.#positions.length
        const wait = Math.min(waitMs, part ? shortWaitMs : longWaitMs)
        for (const at of positions) at.asked = wait > 0 ? 'until there is news' : 'yes'
        const fetching = this.#fetchFrom(lane, broker, positions, wait, assignment).finally(() => {
          this.#fetching.delete(key)
          for (const at of positions) at.asked = 'no'
          this.#wake?.()
        })
        this.#fetching.set(key, fetching)
      }
    })
  }

  async #leader(at: Position): Promise<number | null> {
    try {
      return await this.#context.cluster.leader(at.physical, at.partition)
    } catch (error) {
      this.#failed(error, [at])
      return null
    }
  }

  async #fetchFrom(
    lane: number,
    broker: number,
    positions: Position[],
    waitMs: number,
    assignment: number,
  ): Promise<void> {
    // In turns, for the broker fills its answer in this order.
    const from = this.#turn % positions.length
    const order = [...positions.slice(from), ...positions.slice(0, from)]
    const asked = order.map(({ physical, partition, ahead }) => ({ topic: physical, partition, offset: ahead }))
    const limits = { waitMs, maxBytes: this.#maxBytes, maxPartitionBytes: this.#maxBytes }
    try {
      const answers = await this.#lanes[lane]!.send({ broker }, fetchRequest(asked, limits))
      if (assignment !== this.#assignment) return
      for (const answer of answers) {
        const at = positions.find((one) => one.physical === answer.topic && one.partition === answer.partition)
        if (at !== undefined) this.#receive(at, answer)
      }
    } catch (error) {
      if (assignment === this.#assignment) this.#failed(error, positions)
    }
  }

  #receive(at: Position, answer: FetchedPartition): void {
    const { topic, partition, ahead } = at
    if (answer.code === offsetOutOfRange) {
      at.fault = new LogError(
        'offset_out_of_range',
        `topic ${topic} partition ${partition} has no offset ${ahead}: it goes from ${answer.logStartOffset} to ${answer.lastStableOffset}`,
      )
      if (answer.logStartOffset < 0) void this.#tellRange(at, ahead)
      return
    }
    if (answer.code !== 0) {
      this.#failed(faultOf(answer.code, `topic ${topic} partition ${partition}`), [at])
      return
    }
    try {
      const { batches, nextOffset } = decodeBatches(
        answer.records,
        ahead,
        answer.aborted,
        `topic ${topic} partition ${partition}`,
      )
      for (const decoded of batches) at.buffered.push({ topic, partition, ...decoded })
      if (nextOffset > ahead && batches.length === 0) {
        // Only markers or aborted records: the position moves on all the same.
        at.buffered.push({ topic, partition, batch: emptyBatch(ahead), nextOffset })
      }
      at.ahead = nextOffset
      at.silentSince = null
      at.atEnd = nextOffset >= answer.lastStableOffset
      at.answeredAt = performance.now()
    } catch (error) {
      at.fault = logError(error, `reading topic ${topic} partition ${partition}`)
    }
  }

  /** Brokers do not always tell the range with the fault. */
  async #tellRange(at: Position, offset: number): Promise<void> {
    const { topic, partition } = at
    const { topics } = this.#context
    const start = await topics.offsetAt(topic, partition, times.earliest).catch(() => -1)
    const end = await topics.offsetAt(topic, partition, times.latest).catch(() => -1)
    if (at.fault === null || start < 0 || end < 0) return
    at.fault = new LogError(
      'offset_out_of_range',
      `topic ${topic} partition ${partition} has no offset ${offset}: it goes from ${start} to ${end}`,
    )
  }

  #failed(error: unknown, positions: readonly Position[]): void {
    if (this.#closed) return
    if (error instanceof KafkaFault && error.passes) {
      for (const at of positions) {
        this.#context.cluster.forgetTopic(at.physical)
        at.silentSince ??= performance.now()
        at.failedAt = performance.now()
        at.lastFault = error
      }
      this.#pausedUntil = performance.now() + pauseMs
      this.#wake?.()
      return
    }
    for (const at of positions) at.fault = logError(error, `reading topic ${at.topic} partition ${at.partition}`)
    this.#wake?.()
  }

  /** Until a fetch is answered, or something else wakes the poll. */
  async #news(ms: number): Promise<void> {
    const pause = this.#pausedUntil - performance.now()
    const wait = Math.max(1, Math.min(ms, pause > 0 ? pause : ms))
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, wait)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = null
  }
}

const times = { earliest: -2, latest: -1 } as const
