import { BatchBuilder, type Log, LogError, type PartitionBatch, partitionForKey, type RecordBatch } from '@syscribe/log'
import type { KindRecord, TopicCodec, TopicKind, TopicName } from '@syscribe/schemas'
import { ownCodec } from './own-codec.js'
import type { Output, ProcessorOutput } from './processor.js'
import { floorOf, instanceKey, type Progress } from './watermark-sources.js'

/** A batch is finished when it is this large. */
const fullBatchBytes = 512 * 1024
/** A step that emits more than this starts another batch. */
const splitBatchBytes = 2 * 1024 * 1024
/** No record larger than this: behind others in a batch it must fit the smallest limit of an engine, 15 MiB. */
const maxRecordBytes = 12 * 1024 * 1024

/** What one instance emits in a round: packed by topic and partition, in the order of emission. */
export class StepOutput implements Output {
  /** Bytes that wait to be committed. */
  waitingBytes = 0
  /** Records emitted since the last `take`. */
  records = 0
  /** Of these, watermarks that are forwarded. */
  watermarks = 0
  /** A host's last watermark is among them. */
  ends = false
  /** Records of the step that are too large for their topic: they are left out. */
  readonly refused: LogError[] = []
  readonly #topics: OutputTopic[]
  readonly #name: string
  readonly #partition: number
  readonly #instances: number
  #batches: PartitionBatch[] = []
  /** Partitions emitted to by the step that runs. */
  readonly #touched: OutputPartition[] = []

  private constructor(name: string, partition: number, instances: number, topics: OutputTopic[]) {
    this.#name = name
    this.#partition = partition
    this.#instances = instances
    this.#topics = topics
  }

  /**
   * For the instance of `partition`, one of as many as the first of the streams has partitions.
   * @throws LogError `unknown_topic`
   */
  static async open(
    log: Log,
    { name, streams, outputs }: { name: string; streams: readonly string[]; outputs: readonly ProcessorOutput[] },
    partition: number,
  ): Promise<StepOutput> {
    const described = new Map((await log.describeTopics()).map((topic) => [topic.topic, topic]))
    const topics: OutputTopic[] = []
    for (const output of outputs) {
      const { partitions: count, maxRecordBytes: limit } = described.get(output.topic) ?? {}
      if (count === undefined)
        throw new LogError('unknown_topic', `${name} writes to topic ${output.topic}, which does not exist`)
      if (output.partition === 'input' && partition >= count) {
        throw new LogError(
          'unknown_topic',
          `${name} writes to partition ${partition} of topic ${output.topic}, which has ${count}`,
        )
      }
      const codec = ownCodec(output.topic) as unknown as TopicCodec<TopicName>
      const maxBytes = Math.min(maxRecordBytes, limit ?? maxRecordBytes)
      const schemaId = await log.registerSchema(output.topic, codec.schema)
      topics.push(new OutputTopic(output, codec, schemaId, count, maxBytes))
    }
    const instances = described.get(streams[0] as TopicName)?.partitions ?? 1
    return new StepOutput(name, partition, instances, topics)
  }

  emit<T extends TopicName, K extends TopicKind<T>>(
    topic: T,
    kind: K,
    value: KindRecord<K>,
    key: Uint8Array,
    timestamp: number,
  ): void {
    const target = this.#topic(topic)
    target.kind = kind as TopicKind<TopicName>
    target.record = value as KindRecord<TopicKind<TopicName>>
    this.#append(target, key, timestamp, 256, target.write)
  }

  emitEncoded(
    topic: TopicName,
    key: Uint8Array,
    timestamp: number,
    sizeHint: number,
    write: (buffer: Buffer, position: number) => number,
  ): void {
    this.#append(this.#topic(topic), key, timestamp, sizeHint, write)
  }

  /** Says to every partition written to how far a host is known. */
  forward(host: string, boot: Buffer, progress: Progress): void {
    const { time, nanos: timeNanos, final } = progress
    const value = { time, timeNanos, host, boot, final }
    // Several instances write to a partition chosen by key, each with its own progress: the key tells them apart.
    const among = Buffer.from(instanceKey(host, this.#name, this.#partition, this.#instances))
    const alone = Buffer.from(instanceKey(host, this.#name, this.#partition, 1))
    const timestamp = Math.floor(time / 1000)
    for (const target of this.#topics) {
      target.kind = 'Watermark'
      target.record = value
      for (const partition of target.partitions) {
        if (target.byKey || partition.partition === this.#partition) {
          this.#appendTo(partition, target.byKey ? among : alone, timestamp, 256, target.write)
          this.watermarks++
        }
      }
    }
    this.ends ||= final
  }

  /** The step went well: its records stay. */
  keep(): void {
    if (this.#touched.length === 0) return
    for (const partition of this.#touched) {
      partition.touched = false
      const { builder } = partition
      this.waitingBytes += builder.byteLength - partition.bytesBefore
      this.records += builder.count - partition.countBefore
      for (const batch of partition.full) {
        this.waitingBytes += batch.byteLength
        this.records += batch.count
        this.#batches.push({ topic: partition.topic, partition: partition.partition, batch })
      }
      partition.full.length = 0
      if (builder.byteLength >= fullBatchBytes) this.#finish(partition)
    }
    // Several times cheaper than a new length, and after every step.
    while (this.#touched.length > 0) this.#touched.pop()
  }

  /** The step failed: what it emitted is taken back. */
  discard(): void {
    for (const partition of this.#touched) {
      partition.touched = false
      partition.discard()
    }
    this.#touched.length = 0
    this.refused.length = 0
  }

  /** Everything emitted since the last call. */
  take(): PartitionBatch[] {
    for (const { partitions } of this.#topics) {
      for (const partition of partitions) if (partition.builder.count > 0) this.#finish(partition)
    }
    const batches = this.#batches
    this.#batches = []
    this.waitingBytes = 0
    this.records = 0
    this.watermarks = 0
    this.ends = false
    return batches
  }

  #topic(topic: TopicName): OutputTopic {
    for (const target of this.#topics) if (target.topic === topic) return target
    throw new LogError('unknown_topic', `${this.#name} emits to topic ${topic}, which is not among its outputs`)
  }

  #append(target: OutputTopic, key: Uint8Array, timestamp: number, sizeHint: number, write: Write): void {
    const index = target.byKey ? partitionForKey(key, target.partitions.length) : this.#partition
    this.#appendTo(target.partitions[index] as OutputPartition, key, timestamp, sizeHint, write)
  }

  #appendTo(partition: OutputPartition, key: Uint8Array, timestamp: number, sizeHint: number, write: Write): void {
    const { builder } = partition
    if (!partition.touched) {
      partition.touched = true
      partition.bytesBefore = builder.byteLength
      partition.countBefore = builder.count
      builder.mark()
      this.#touched.push(partition)
    }
    const before = builder.byteLength
    builder.appendWith(timestamp, key, sizeHint, write)
    const bytes = builder.byteLength - before
    if (bytes > partition.maxRecordBytes) {
      partition.leaveOutLast()
      const message = `a record of ${bytes} bytes for topic ${partition.topic} is over the limit of ${partition.maxRecordBytes}`
      this.refused.push(new LogError('record_too_large', message))
      return
    }
    // A step may emit more than one batch holds, such as all that waited for the end of capture.
    if (builder.byteLength > splitBatchBytes) partition.full.push(builder.take())
  }

  #finish(partition: OutputPartition): void {
    this.#batches.push({
      topic: partition.topic,
      partition: partition.partition,
      batch: partition.builder.take(),
    })
  }
}

/** Milliseconds of a progress, for `watermark`: what it says to a processor. */
export function statedTime(progress: Progress): number {
  return progress.final ? floorOf(progress) - 1 : floorOf(progress)
}

type Write = (buffer: Buffer, position: number) => number

class OutputTopic {
  readonly topic: TopicName
  readonly byKey: boolean
  readonly partitions: OutputPartition[]
  kind: TopicKind<TopicName> = 'Watermark'
  record: KindRecord<TopicKind<TopicName>> | null = null
  /** Encodes `record`: made once, so that a step makes no closure. */
  readonly write: Write

  constructor(
    { topic, partition }: ProcessorOutput,
    codec: TopicCodec<TopicName>,
    schemaId: number,
    count: number,
    maxBytes: number,
  ) {
    this.topic = topic
    this.byKey = partition === 'key'
    this.partitions = Array.from({ length: count }, (_, index) => new OutputPartition(topic, index, schemaId, maxBytes))
    this.write = (buffer, position) =>
      codec.write(this.kind, this.record as KindRecord<TopicKind<TopicName>>, buffer, position)
  }
}

class OutputPartition {
  readonly topic: TopicName
  readonly partition: number
  readonly maxRecordBytes: number
  readonly builder: BatchBuilder
  /** Batches that the step that runs has filled; the first also holds what was there before it. */
  readonly full: RecordBatch[] = []
  touched = false
  bytesBefore = 0
  countBefore = 0

  constructor(topic: TopicName, partition: number, schemaId: number, maxRecordBytes: number) {
    this.topic = topic
    this.partition = partition
    this.maxRecordBytes = maxRecordBytes
    this.builder = new BatchBuilder(schemaId, 4096)
  }

  /** Takes back the last record. */
  leaveOutLast(): void {
    // What was there before the step, where nothing of it has been finished since, stays behind the mark.
    const before = this.full.length === 0 ? this.countBefore : 0
    const batch = this.builder.take()
    let index = 0
    for (const record of batch) {
      if (index === before) this.builder.mark()
      if (++index < batch.count) this.builder.append(record)
    }
  }

  /** Takes back what the step emitted. */
  discard(): void {
    this.builder.rollback()
    const first = this.full.splice(0)[0]
    if (first === undefined) return
    let left = this.countBefore
    for (const record of first) if (left-- > 0) this.builder.append(record)
  }
}
