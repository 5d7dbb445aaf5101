import { randomUUID } from 'node:crypto'
import { closeSync, fdatasyncSync, ftruncateSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { LogError, type PartitionBatch, WriterLock } from '@syscribe/log'
import type { RawLog, RawProducer } from '../raw-log.js'
import { decodeFrame, encodeFrame, frameLength } from './frame.js'
import { headerLine, readRounds, readSegments, type Segment, type SegmentHeader, segmentPath } from './segment.js'
import { SentPosition, type SpoolPosition } from './sent-position.js'

export interface SpoolOptions {
  /** Made when there is none, for its owner only. */
  path: string
  /** Bytes of rounds that may wait; beyond them a round is refused with `storage_full`. */
  maxBytes: number
  /** Partitions of every topic of the log behind it. */
  partitions: number
  /** The collector's topics. */
  topics: readonly string[]
}

/**
 * Positions that are left out at each start. A power failure can take rounds that were sent and not yet on disk: what
 * comes after must not go by their positions, which the log has as sent. More than waits for any disk.
 */
const startGap = 2 ** 36

/** Rounds read from the spool. */
export interface SpooledRounds {
  batches: PartitionBatch[]
  /** Schemas by the ids in the batches, from 1. */
  schemas: SegmentHeader['schemas']
  /** What is sent when these are. */
  next: number
}

/**
 * A log of what was captured and not yet sent, on disk: what was appended outlives the process, in order, until it is
 * released. It stands in for the log before the brokers were ever reached. Positions count bytes of rounds since the
 * spool began.
 */
export class Spool implements RawLog {
  readonly id: string
  readonly shared = true
  readonly #options: SpoolOptions
  readonly #lock: WriterLock
  readonly #segments: Segment[]
  readonly #sent: SentPosition
  readonly #segmentBytes: number
  readonly #schemas: { topic: string; schema: object }[] = []
  /** The segment that is written: the newest. */
  #file: number | null = null
  #released = 0
  /** Position of the next round. */
  #next = 0
  #wake: (() => void)[] = []
  /** Made by who waits for room, one for all. */
  #room: Promise<void> | null = null
  #freed = () => {}
  #unlimited = false
  /** Set while what is written should outlive a power failure: it will be here for longer. */
  durable = false

  /** @throws LogError `locked` when another process writes there, `unavailable`, `corrupt` */
  constructor(options: SpoolOptions) {
    const { path, maxBytes } = options
    this.#options = options
    this.#segmentBytes = Math.min(64 * 1024 ** 2, Math.ceil(maxBytes / 8))
    makeFolder(path)
    this.#lock = new WriterLock(join(path, 'lock'))
    try {
      this.#segments = readSegments(path)
      this.#sent = new SentPosition(join(path, 'sent'))
      const sent = this.#sent.read()
      const last = this.#segments.at(-1)
      if (last === undefined || (sent?.spool === last.header.spool && sent.position >= last.end)) {
        for (const { path: file } of this.#segments.splice(0)) rmSync(file)
        this.id = randomUUID()
      } else {
        this.id = last.header.spool
        this.#next = last.end + startGap
        if (sent?.spool === this.id) this.release(sent.position)
      }
    } catch (error) {
      this.#lock.release()
      throw error
    }
  }

  /** Position before which everything has been sent. */
  get released(): number {
    return this.#released
  }
  /** Bytes of rounds that wait to be sent. */
  get waitingBytes(): number {
    return this.bytesFrom(this.#released)
  }
  /** Bytes of rounds from a position on. */
  bytesFrom(position: number): number {
    return this.#segments.reduce((sum, { start, end }) => sum + Math.max(0, end - Math.max(start, position)), 0)
  }
  get path(): string {
    return this.#options.path
  }
  get maxBytes(): number {
    return this.#options.maxBytes
  }

  async registerSchema(topic: string, schema: object): Promise<number> {
    const text = JSON.stringify(schema)
    const known = this.#schemas.findIndex((one) => one.topic === topic && JSON.stringify(one.schema) === text)
    if (known >= 0) return known + 1
    this.#schemas.push({ topic, schema })
    this.#closeSegment()
    return this.#schemas.length
  }

  async describeTopics(): Promise<{ topic: string; partitions: number }[]> {
    return this.#options.topics.map((topic) => ({ topic, partitions: this.#options.partitions }))
  }

  async producer(): Promise<RawProducer> {
    return { append: async (batches) => this.append(batches), room: () => this.room(), close: async () => {} }
  }

  /**
   * Appends one round.
   * @throws LogError `storage_full` when it is over the limit, or the disk has no room
   */
  append(batches: readonly PartitionBatch[]): void {
    const frame = encodeFrame(batches, this.#options.topics)
    // Files go as a whole: what is sent of the oldest still takes room.
    const kept = this.#segments.reduce((sum, { start, end }) => sum + end - start, 0)
    if (!this.#unlimited && kept + frame.length > this.#options.maxBytes) {
      throw new LogError('storage_full', `the spool ${this.#options.path} is full: ${this.waitingBytes} bytes wait`)
    }
    const last = this.#segments.at(-1)
    if (last !== undefined && last.end - last.start >= this.#segmentBytes) this.#closeSegment()
    this.#write(frame)
    this.#next += frame.length
    ;(this.#segments.at(-1) as Segment).end = this.#next
    for (const wake of this.#wake.splice(0)) wake()
  }

  /** Capture has ended: what is left of it, bounded by the queue, is taken over the limit too. */
  takeRest(): void {
    this.#unlimited = true
  }

  /**
   * Rounds from a position on, up to `maxBytes` but for the first; undefined when there is none.
   * @throws LogError `corrupt`
   */
  read(from: number, maxBytes: number): SpooledRounds | undefined {
    const segment = this.#segments.find(({ end }) => end > from)
    if (segment === undefined) return undefined
    const start = Math.max(from, segment.start)
    const buffer = readRounds(segment, start, maxBytes)
    const { schemas, topics } = segment.header
    const batches: PartitionBatch[] = []
    for (let at = 0; at < buffer.length; at += frameLength(buffer, at) as number) {
      batches.push(...decodeFrame(buffer, at, topics))
    }
    return { batches, schemas, next: start + buffer.length }
  }

  /** Resolves when there is something from `position` on, or at `close`. */
  async news(position: number): Promise<void> {
    if (this.#closed || this.#segments.some(({ end }) => end > position)) return
    await new Promise<void>((resolve) => this.#wake.push(resolve))
  }
  #closed = false

  /** Resolves when the next file of what was sent goes, or at `close`. */
  async room(): Promise<void> {
    if (this.#closed) return
    this.#room ??= new Promise((resolve) => {
      this.#freed = () => {
        this.#room = null
        resolve()
      }
    })
    await this.#room
  }

  /** Everything before this position has been sent. */
  release(position: number): void {
    if (position <= this.#released) return
    this.#released = position
    this.#sent.write({ spool: this.id, position })
    // The last one stays while it is written: the identity of the spool is in it.
    while (this.#segments.length > 1 && (this.#segments[0] as Segment).end <= position) {
      rmSync((this.#segments.shift() as Segment).path, { force: true })
      this.#freed()
    }
  }

  /** What the log knows to have been sent, when it is this spool that it speaks of. */
  resumeAt(committed: SpoolPosition | undefined): number {
    if (committed?.spool === this.id) this.release(committed.position)
    return this.#released
  }

  close(): void {
    this.#closed = true
    this.#closeSegment()
    this.#sent.close()
    this.#lock.release()
    for (const wake of this.#wake.splice(0)) wake()
    this.#freed()
  }

  #write(frame: Buffer): void {
    const begins = this.#file === null
    try {
      const file = this.#file ?? this.#openSegment()
      const segment = this.#segments.at(-1) as Segment
      const at = segment.headerBytes + segment.end - segment.start
      try {
        writeWhole(file, frame, at)
        if (this.durable) fdatasyncSync(file)
      } catch (error) {
        ftruncateSync(file, at)
        throw error
      }
    } catch (error) {
      if (begins) this.#dropSegment()
      const code = error instanceof Error && 'code' in error ? error.code : ''
      if (code === 'ENOSPC' || code === 'EDQUOT') {
        throw new LogError('storage_full', `no room for the spool ${this.#options.path}`, { cause: error })
      }
      const why = error instanceof Error ? error.message : String(error)
      throw new LogError('unavailable', `the spool ${this.#options.path} cannot be written: ${why}`, { cause: error })
    }
  }

  #openSegment(): number {
    const header: SegmentHeader = {
      spool: this.id,
      topics: this.#options.topics,
      schemas: [...this.#schemas],
    }
    const path = segmentPath(this.#options.path, this.#next)
    const line = headerLine(header)
    // What lies there under this name holds no whole round.
    const file = openSync(path, 'w', 0o600)
    this.#file = file
    this.#segments.push({ path, header, headerBytes: line.length, start: this.#next, end: this.#next })
    writeWhole(file, line, 0)
    return file
  }

  #closeSegment(): void {
    if (this.#file !== null) closeSync(this.#file)
    this.#file = null
  }

  #dropSegment(): void {
    if (this.#file === null) return
    this.#closeSegment()
    rmSync((this.#segments.pop() as Segment).path, { force: true })
  }
}

function writeWhole(file: number, buffer: Buffer, position: number): void {
  for (let written = 0; written < buffer.length; ) {
    written += writeSync(file, buffer, written, buffer.length - written, position + written)
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new LogError('unavailable', `cannot make the spool ${path}: ${(error as Error).message}`, { cause: error })
  }
}
