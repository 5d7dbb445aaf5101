import type { KindRecord, TopicCodec, TopicKind, TopicName } from '@syscribe/schemas'

/**
 * A processor: a function of records. It declares what it reads, what it writes and what it remembers; the runtime
 * owns offsets, batching, the order of several inputs, checkpoints, metrics and shutdown.
 *
 * It must be deterministic: no clock, no randomness, no effect. After a crash the runtime restores the state of the
 * last checkpoint and runs the records behind it again with emission muted, so the same records must give the same
 * state and the same output.
 */
export interface Processor<S> {
  /** Also the name of its consumer group. Kebab case. */
  readonly name: string
  /** Topics read by partition: partition n of each goes to the same instance, a connection's records stay in order. */
  readonly streams: readonly TopicName[]
  /** Topics every instance reads whole. Merged with the streams by record timestamp: a table is always known up to the stream's time. */
  readonly tables: readonly TopicName[]
  readonly outputs: readonly ProcessorOutput[]
  readonly state: StateFormat<S>
  /** A fresh instance for one partition. Anything it keeps beside the keyed state must be a cache. */
  create(): ProcessorInstance<S>
}

export interface ProcessorOutput {
  readonly topic: TopicName
  /** `input`: the partition of the stream that led to it. `key`: by the hash of the record's key. */
  readonly partition: 'input' | 'key'
}

export interface ProcessorInstance<S> {
  /**
   * One record, in order: by timestamp across topics, tables before streams at the same millisecond, by offset within
   * a partition. Watermarks are not passed here. An exception sends the record to the dead-letter topic; the state
   * must then be as if the record had not been.
   */
  step(input: InputRecord, state: KeyedState<S>, out: Output): void
  /**
   * Everything up to `time` (milliseconds since the Unix epoch) has been stepped, on every host of this partition.
   * `final`: capture has ended, nothing more comes: give up waiting. For timeouts in event time.
   */
  watermark?(time: number, final: boolean, state: KeyedState<S>, out: Output): void
}

/** A record read. The object is re-used by the next step: keep what you need of it, not itself. */
export interface InputRecord {
  readonly topic: TopicName
  readonly partition: number
  readonly offset: number
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number
  readonly key: Buffer | null
  /** Encoded record; decode with `codec`. A view: copy what must outlive the step. */
  readonly value: Buffer
  /** Decodes `value`; made for the schema the record was written with. */
  readonly codec: TopicCodec<TopicName>
}

/** What a processor remembers, by key. The values are its own objects, changed in place. */
export interface KeyedState<S> {
  readonly size: number
  /** To read only: changes to what is returned are lost. */
  get(key: string): S | undefined
  /** To change: marks the key for the next checkpoint. */
  update(key: string): S | undefined
  /** @throws LogError `record_too_large` for a key of more than 65,000 bytes of UTF-8; values may be of any size. */
  set(key: string, value: S): void
  delete(key: string): void
  entries(): IterableIterator<[string, S]>
}

/** How state values are written to the state topic. */
export interface StateFormat<S> {
  /** Raised when old checkpoints cannot be read any more: the runtime then rebuilds from the oldest record. */
  readonly version: number
  encode(value: S): Uint8Array
  decode(bytes: Buffer): S
}

export interface Output {
  /**
   * Emits a record.
   * @param timestamp milliseconds since the Unix epoch: the time of the input that completed it.
   * @throws SchemaError `record_invalid`
   */
  emit<T extends TopicName, K extends TopicKind<T>>(
    topic: T,
    kind: K,
    value: KindRecord<K>,
    key: Uint8Array,
    timestamp: number,
  ): void
  /**
   * Emits a record that `write` encodes itself (branch byte first): it gets a buffer and a position and returns the
   * new position, or minus the bytes lacking when there is no room (it is then called again).
   */
  emitEncoded(
    topic: TopicName,
    key: Uint8Array,
    timestamp: number,
    sizeHint: number,
    write: (buffer: Buffer, position: number) => number,
  ): void
}
