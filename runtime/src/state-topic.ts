import { createHash } from 'node:crypto'
import { BatchBuilder, type Log, type PartitionBatch, type RecordBatch } from '@syscribe/log'
import { namedSchema } from '@syscribe/schemas'
import type { SavedInput } from './input-partition.js'
import type { KeyedStateMap } from './keyed-state-map.js'
import type { StageContext } from './stage-context.js'
import { joined, PieceWriter } from './state-pieces.js'
import type { Progress } from './watermark-sources.js'

/** Everything besides the keyed state that decides what happens next. */
export interface Checkpoint {
  /** StateFormat.version of the state written with it. */
  version: number
  inputs: SavedInput[]
  /** The watermark last forwarded for each host. */
  forwarded: [host: string, progress: Progress][]
  /** What `watermark` was last called with. */
  stated: Progress | null
}

/** Keys of the state topic: `k` and the key, or `c` alone for the checkpoint. */
const entryPrefix = 'k'
const checkpointKey = 'c'
const maxBatchBytes = 4 * 1024 * 1024
/** How long one poll waits for a broker, milliseconds. */
const lateMs = 1_000

/** Name of the topic that keeps the state of a processor, or of a projection for one target. */
export function stateTopicName(name: string, target?: string): string {
  if (target === undefined) return `${name}.state`
  // A path holds letters that names of topics may not.
  return `${name}.${targetDigest(target)}.state`
}

/** Stands for a target where its path cannot. */
export function targetDigest(target: string): string {
  return createHash('sha256').update(target).digest('hex').slice(0, 16)
}

/** One partition of a compacted topic with the state of one instance. */
export class StateTopic {
  readonly topic: string
  readonly partition: number
  readonly #schemaId: number
  readonly #pieces: PieceWriter

  private constructor(topic: string, partition: number, schemaId: number, maxRecordBytes: number | undefined) {
    this.topic = topic
    this.partition = partition
    this.#schemaId = schemaId
    this.#pieces = new PieceWriter(topic, maxRecordBytes)
  }

  /** Creates the topic when there is none. @throws LogError `topic_mismatch`, `read_only` */
  static async open(log: Log, topic: string, partition: number, partitions: number): Promise<StateTopic> {
    await log.createTopics([{ topic, partitions, cleanup: 'compact', retentionMs: null, retentionBytes: null }])
    const schemaId = await log.registerSchema(topic, namedSchema('StateEntry') as object)
    const described = (await log.describeTopics()).find((other) => other.topic === topic)
    return new StateTopic(topic, partition, schemaId, described?.maxRecordBytes)
  }

  /**
   * Reads the last checkpoint into `state`; null when there is none that this version can read. With `fresh` what there
   * is does not count: the next checkpoint removes it.
   */
  async restore<S>(
    { log, logger }: Pick<StageContext, 'log' | 'logger'>,
    version: number,
    state: KeyedStateMap<S>,
    fresh: boolean,
  ): Promise<Checkpoint | null> {
    const newest = await this.newest(log)
    const written = newest.get(checkpointKey)
    newest.delete(checkpointKey)
    const checkpoint = written === undefined ? null : (JSON.parse(written.toString()) as Checkpoint)
    const keys = [...newest.keys()].map((key) => key.slice(entryPrefix.length))
    if (!fresh && checkpoint !== null && checkpoint.version === version) {
      try {
        for (const [key, bytes] of newest) state.restore(key.slice(entryPrefix.length), bytes)
        return checkpoint
      } catch (fault) {
        logger.warn({ topic: this.topic, err: fault }, 'the saved state cannot be read; it is rebuilt from the log')
      }
    }
    for (const key of keys) state.discard(key)
    return null
  }

  /** What is kept now under each key of the topic. */
  async newest(log: Log): Promise<Map<string, Buffer>> {
    const entries = joined(await this.#records(log))
    this.#pieces.found(entries)
    return new Map([...entries].map(([key, { value }]) => [key, value]))
  }

  /** The newest record of each key, as it is in the topic. */
  async #records(log: Log): Promise<Map<string, Buffer>> {
    const topic = (await log.describeTopics()).find(({ topic }) => topic === this.topic)
    const { start, end } = topic?.offsets[this.partition] ?? { start: 0, end: 0 }
    const newest = new Map<string, Buffer>()
    if (start >= end) return newest
    // A broker may be late with its answer; other engines have given all there is.
    const late = log.engine === 'kafka'
    const reader = await log.reader({ maxBytes: maxBatchBytes })
    try {
      await reader.assign([{ topic: this.topic, partition: this.partition, offset: 'earliest' }])
      for (;;) {
        const fetched = await reader.poll(late ? { waitMs: lateMs } : {})
        if (fetched.length === 0 && !late) return newest
        for (const { batch } of fetched) note(newest, batch)
        if ((fetched.at(-1)?.nextOffset ?? 0) >= end) return newest
      }
    } finally {
      await reader.close()
    }
  }

  /** Makes this topic hold what `newest` of another gave, and nothing else. */
  async replacedBy(log: Log, entries: ReadonlyMap<string, Buffer>): Promise<PartitionBatch[]> {
    const gone = [...(await this.newest(log)).keys()].filter((key) => !entries.has(key))
    return this.#batches([...gone.map((key) => [key, null] as const), ...entries], 0)
  }

  /** The changed keys and the checkpoint, to be committed with the offsets. */
  batches<S>(state: KeyedStateMap<S>, checkpoint: Checkpoint, timestamp: number): PartitionBatch[] {
    const last = Buffer.from(JSON.stringify(checkpoint))
    function* entries(): Generator<readonly [string, Uint8Array | null]> {
      for (const { key, bytes } of state.changes()) yield [entryPrefix + key, bytes]
      yield [checkpointKey, last]
    }
    return this.#batches(entries(), timestamp)
  }

  #batches(entries: Iterable<readonly [string, Uint8Array | null]>, timestamp: number): PartitionBatch[] {
    const builder = new BatchBuilder(this.#schemaId)
    const batches: PartitionBatch[] = []
    const take = () => batches.push({ topic: this.topic, partition: this.partition, batch: builder.take() })
    for (const [key, value] of entries) {
      for (const piece of this.#pieces.of(key, value)) {
        const bytes = piece.value === null ? null : entry(piece.value)
        builder.append({ timestamp, key: Buffer.from(piece.key), value: bytes })
        if (builder.byteLength > maxBatchBytes) take()
      }
    }
    if (builder.count > 0) take()
    return batches
  }
}

function note(newest: Map<string, Buffer>, batch: RecordBatch): void {
  for (const { key, value } of batch) {
    if (key === null) continue
    if (value === null) newest.delete(key.toString())
    else newest.set(key.toString(), entryValue(value))
  }
}

/** A StateEntry in Avro: the bytes after their length, a zigzag varint. */
function entry(value: Uint8Array): Buffer {
  const length: number[] = []
  let rest = value.length * 2
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) length.push((rest % 128) | 0x80)
  return Buffer.concat([Buffer.from([...length, rest]), value])
}

function entryValue(bytes: Buffer): Buffer {
  let position = 0
  while (((bytes[position++] ?? 0) & 0x80) !== 0);
  return bytes.subarray(position)
}
