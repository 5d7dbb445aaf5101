import type { CommittedOffset, Producer } from '@syscribe/log'
import type { Logger } from 'pino'
import { CommitDelay } from './commit-delay.js'
import { DeadLetters, faultText } from './dead-letters.js'
import type { TakenPlace } from './host-order.js'
import type { InputPartition } from './input-partition.js'
import { InputReader } from './input-reader.js'
import { KeyedStateMap } from './keyed-state-map.js'
import { Merge } from './merge.js'
import { metricsOfPart, type PartMetrics } from './metrics.js'
import { openInputs } from './open-inputs.js'
import type { Processor, ProcessorInstance } from './processor.js'
import { recordClass } from './readable-schema.js'
import { type ReplayStart, startOffset } from './replay-start.js'
import type { Stage, StagePosition } from './stage.js'
import type { StageContext } from './stage-context.js'
import { StateTopic, stateTopicName } from './state-topic.js'
import { StepOutput, statedTime } from './step-output.js'
import { compare, type Progress, slowest } from './watermark-sources.js'

/** A round ends early when this much waits to be committed. */
const maxOutputBytes = 8 * 1024 * 1024
/** Offsets alone, with nothing emitted in a transaction, are committed this seldom. */
const offsetsOnlyMs = 1_000

type LastTaken = TakenPlace['last']

/** What is kept with the offsets of streams. */
interface OffsetMetadata {
  /** Where several hosts write: the last taken of the records behind the offset, in their order. */
  last?: LastTaken
  /** Where the tables of the instance stand, with its first stream's offset: instances share the tables' partitions. */
  tables?: TableEntry[]
}
type TableEntry = [topic: string, partition: number, offset: number, last?: LastTaken]

/** One instance of a processor: partition n of its streams with all of its tables. */
export class ProcessorStage<S> implements Stage {
  readonly part: string
  readonly partition: number
  readonly #context: StageContext
  readonly #processor: Processor<S>
  readonly #instance: ProcessorInstance<S>
  readonly #state: KeyedStateMap<S>
  readonly #logger: Logger
  readonly #metrics: PartMetrics
  readonly #delay: CommitDelay
  readonly #visit = (input: InputPartition) => this.#take(input)
  #merge!: Merge
  #reader!: InputReader
  #producer!: Producer
  /** For watermarks that go without a transaction; opened for the first. */
  #beside: Producer | null = null
  #output!: StepOutput
  #stateTopic!: StateTopic
  #deadLetters!: DeadLetters

  readonly #forwarded = new Map<string, Progress>()
  #stated: Progress | null = null
  #afterFinal = false
  #muted = false
  #uncommitted = 0
  /** Among the uncommitted are others than watermarks. */
  #uncommittedData = false
  #lastTaken = performance.now()
  /** Output waits until then. */
  #nextOutput = 0
  #lastTimestamp = 0
  #lastCommit = performance.now()
  #lastCheckpoint = performance.now()
  #bytesAtCheckpoint = 0
  #neverCheckpointed = false

  private constructor(context: StageContext, processor: Processor<S>, partition: number) {
    this.part = processor.name
    this.partition = partition
    this.#context = context
    this.#processor = processor
    this.#instance = processor.create()
    this.#state = new KeyedStateMap(processor.state)
    this.#logger = context.logger.child({ part: processor.name, partition })
    this.#metrics = metricsOfPart(context.metrics, processor.name)
    this.#delay = new CommitDelay(context.metrics, processor.name)
  }

  /**
   * Restores the state of the last checkpoint and reads on to the committed offsets, muted. Without either it begins
   * with the streams at `start` and the tables at their oldest record.
   * @throws LogError
   */
  static async open<S>(
    context: StageContext,
    processor: Processor<S>,
    partition: number,
    start: ReplayStart = 'earliest',
  ): Promise<ProcessorStage<S>> {
    const stage = new ProcessorStage(context, processor, partition)
    try {
      await stage.#open(start)
      return stage
    } catch (error) {
      await stage.abandon()
      throw error
    }
  }

  async #open(start: ReplayStart): Promise<void> {
    const { log, policy, schemas } = this.#context
    const { name, streams, tables, state } = this.#processor
    const logger = this.#logger
    this.#producer = await log.producer({ transactionalId: `${name}/${this.partition}` })
    const chosen = streams.map((topic) => ({ topic, partitions: [this.partition] }))
    this.#merge = new Merge(await openInputs(log, name, chosen, tables, policy.heldBytes))
    this.#output = await StepOutput.open(log, this.#processor, this.partition)
    this.#deadLetters = await DeadLetters.open(log, name, logger, this.#metrics.deadLetters)

    const partitions = streams[0] === undefined ? 1 : ((await this.#partitionsOf(streams[0])) ?? 1)
    this.#stateTopic = await StateTopic.open(log, stateTopicName(name), this.partition, partitions)
    const committed = this.#committedPlaces(await this.#producer.committed(name))
    const checkpoint = await this.#stateTopic.restore({ log, logger }, state.version, this.#state, committed === null)
    this.#neverCheckpointed = checkpoint === null
    for (const saved of checkpoint?.inputs ?? []) this.#input(saved.topic, saved.partition)?.restore(saved)
    for (const [host, progress] of checkpoint?.forwarded ?? []) this.#forwarded.set(host, progress)
    this.#stated = checkpoint?.stated ?? null

    const { inputs } = this.#merge
    if (committed === null && start !== 'earliest') {
      for (const input of inputs) if (!input.isTable) input.seek(await startOffset(log, input, start))
    }
    this.#reader = await InputReader.open({
      log,
      inputs,
      schemas,
      aheadBytes: policy.aheadBytes,
      logger,
      expired: this.#metrics.expired,
    })
    if (committed !== null) await this.#reread(committed)
    this.#lastCheckpoint = performance.now()
    this.#bytesAtCheckpoint = this.#takenBytes()
  }

  /** Runs the records between checkpoint and commit again, without emitting: what came of them is in the log. */
  async #reread(committed: Map<string, TakenPlace>): Promise<void> {
    const { inputs } = this.#merge
    for (const input of inputs) input.limitToTaken(committed.get(nameOf(input)) ?? input.taken)
    this.#muted = true
    let reread = 0
    for (;;) {
      const fetched = await this.#reader.fill()
      const taken = this.#merge.run(this.#visit, this.#context.policy.roundRecords)
      reread += taken
      this.#output.take()
      if (taken > 0 || fetched > 0) continue
      // What compaction or retention has removed since is not waited for.
      const gone = inputs.filter((input) => !input.hasHead && !input.atLimit)
      if (gone.length === 0) break
      if (!(await this.#reader.exhausted())) continue
      for (const input of gone) input.passMissing()
    }
    this.#muted = false
    this.#metrics.reread.add(reread)
    for (const input of inputs) input.limitToTaken(null)
    this.#uncommitted = 0
    this.#uncommittedData = false
    if (reread > 0) this.#logger.info({ records: reread }, 'state restored by reading again behind the checkpoint')
  }

  get behindMs(): number {
    return this.#delay.lastMs
  }

  async round(): Promise<number> {
    const started = performance.now()
    const fetched = await this.#reader.fill()
    const before = this.#takenBytes()
    const taken = this.#merge.run(this.#visit, this.#context.policy.roundRecords)
    if (taken > 0) {
      this.#uncommitted += taken
      this.#lastTaken = started
      this.#metrics.consumed.add(taken)
      this.#metrics.consumedBytes.add(this.#takenBytes() - before)
    }
    const due = performance.now() >= this.#nextOutput || this.#output.waitingBytes > maxOutputBytes
    if (due && (this.#outputWaits || (this.#uncommitted > 0 && this.#checkpointDue()))) await this.#putOut()
    if (fetched + taken > 0) this.#metrics.busySeconds.add((performance.now() - started) / 1000)
    return fetched + taken
  }

  get news(): Stage['news'] {
    return this.#reader.news
  }

  exhausted(): Promise<boolean> {
    return this.#reader.exhausted()
  }

  async settle(): Promise<number> {
    if (this.#uncommitted === 0 && !this.#outputWaits) return Number.POSITIVE_INFINITY
    // While watermarks come and nothing else, a checkpoint commits now and then.
    const since = this.#uncommittedData ? this.#lastCommit : Math.max(this.#lastCommit, this.#lastTaken)
    const wait = (this.#outputWaits ? this.#nextOutput : since + offsetsOnlyMs) - performance.now()
    if (wait > 0) return wait
    if (this.#outputWaits) await this.#putOut()
    else await this.#commit(this.#checkpointDue())
    return this.#uncommitted === 0 ? Number.POSITIVE_INFINITY : offsetsOnlyMs
  }

  async flush(): Promise<void> {
    if (this.#uncommitted > 0 || this.#output.records > 0) await this.#commit(true)
  }

  /** Takes no record from these offsets on; inputs not named have no limit. */
  limitTo(ends: ReadonlyMap<string, number>): void {
    for (const input of this.#merge.inputs) input.limitTo(ends.get(nameOf(input)) ?? Number.POSITIVE_INFINITY)
  }

  end(): void {
    for (const input of this.#merge.inputs) input.end()
  }

  async finish(): Promise<void> {
    if (this.#stated?.final !== true || this.#afterFinal) {
      const { inputs } = this.#merge
      const floors = inputs.map(({ floor }) => floor).filter(Number.isFinite)
      const time = Math.max(this.#stated?.time ?? 0, ...floors.map((floor) => floor * 1000))
      // No record has led to it that could stand in dead-letters.
      this.#callWatermark({ time, nanos: 0, final: true }, (fault) =>
        this.#logger.error({ error: faultText(fault) }, 'what was left at the end could not be written whole'),
      )
      const hosts = new Map(inputs.flatMap((input) => [...input.sources.hosts()]))
      for (const [host, boot] of hosts) this.#forward(host, boot, { time, nanos: 0, final: true })
      this.#uncommitted++
    }
    await this.flush()
  }

  async close(): Promise<void> {
    try {
      await this.flush()
    } finally {
      await this.abandon()
    }
  }

  async abandon(): Promise<void> {
    await this.#reader?.close()
    await this.#producer?.close()
    await this.#beside?.close()
  }

  positions(): StagePosition[] {
    return this.#merge.inputs.map(({ topic, partition, next, reached }) => ({ topic, partition, next, reached }))
  }

  #take(input: InputPartition): void {
    this.#uncommittedData ||= input.class !== recordClass.watermark
    if (input.class === recordClass.data) {
      if (!this.#muted) this.#delay.took(input.timestamp)
      try {
        this.#instance.step(input, this.#state, this.#output)
        this.#output.keep()
        if (this.#output.refused.length > 0) this.#keepRefused(input)
        if (this.#output.waitingBytes > maxOutputBytes) this.#merge.budget = 0
      } catch (fault) {
        this.#output.discard()
        this.#deadLetters.add(input, fault, this.#muted)
      }
      this.#afterFinal = true
    } else if (input.class === recordClass.watermark) this.#takeWatermark(input)
    else if (input.class === recordClass.unknown) this.#metrics.unknown.add(this.#muted ? 0 : 1)
    else if (input.class === recordClass.unreadable) {
      this.#deadLetters.add(input, input.fault ?? 'record_invalid: the record cannot be read', this.#muted)
    }
    this.#lastTimestamp = input.timestamp
    input.pop()
  }

  #takeWatermark(input: InputPartition): void {
    const { inputs } = this.#merge
    const { host, boot } = input.applyWatermark()
    const known = inputs.map((other) => other.sources.progress())
    if (!known.includes(undefined)) {
      const progress = slowest(known as Progress[]) as Progress
      if (advances(this.#stated, progress)) {
        this.#callWatermark(progress, (fault) => this.#deadLetters.add(input, fault, this.#muted))
      }
    }
    const ofHost = inputs.map((other) => other.sources.progressOf(host)).filter((progress) => progress !== undefined)
    this.#forward(host, boot, slowest(ofHost) as Progress)
  }

  /** Tells the instance how far everything has been stepped. */
  #callWatermark(progress: Progress, failed: (fault: unknown) => void): void {
    this.#stated = progress
    this.#afterFinal = false
    if (this.#instance.watermark === undefined) return
    try {
      this.#instance.watermark(statedTime(progress), progress.final, this.#state, this.#output)
      this.#output.keep()
      for (const fault of this.#output.refused.splice(0)) failed(fault)
    } catch (fault) {
      this.#output.discard()
      failed(fault)
    }
  }

  /** The step stays, but for what its topic would not take. */
  #keepRefused(input: InputPartition): void {
    for (const fault of this.#output.refused.splice(0)) this.#deadLetters.add(input, fault, this.#muted)
  }

  #forward(host: string, boot: Buffer, progress: Progress): void {
    if (!advances(this.#forwarded.get(host) ?? null, progress)) return
    this.#forwarded.set(host, progress)
    this.#output.forward(host, boot, progress)
    this.#output.keep()
  }

  #checkpointDue(): boolean {
    const { checkpointMs, checkpointBytes } = this.#context.policy
    return (
      this.#neverCheckpointed ||
      performance.now() - this.#lastCheckpoint >= checkpointMs ||
      this.#takenBytes() - this.#bytesAtCheckpoint >= checkpointBytes
    )
  }

  get #outputWaits(): boolean {
    return this.#output.records > 0 || this.#deadLetters.waiting
  }

  /**
   * Watermarks alone need no transaction. What they say is a fact of the input and of outputs that are committed: whoever
   * says it, and however often, it is true. But a host's end goes with the offsets behind it: it is said once.
   */
  async #putOut(): Promise<void> {
    const began = performance.now()
    const output = this.#output
    const alone = output.records > 0 && output.records === output.watermarks && !output.ends
    if (!alone || !this.#context.policy.watermarksAlone || this.#deadLetters.waiting || this.#checkpointDue()) {
      await this.#commit(this.#checkpointDue())
    } else {
      this.#beside ??= await this.#context.log.producer()
      const emitted = output.records
      await this.#beside.append(output.take())
      this.#delay.committed()
      this.#metrics.emitted.add(emitted)
    }
    const now = performance.now()
    // A log that is slow is given time.
    const { outputSpacingMs } = this.#context.policy
    if (outputSpacingMs > 0) this.#nextOutput = Math.max(began + outputSpacingMs, now + (now - began) / 2)
  }

  async #commit(checkpoint: boolean): Promise<void> {
    const emitted = this.#output.records
    const batches = [...this.#output.take(), ...this.#deadLetters.take()]
    if (checkpoint) batches.push(...this.#checkpointBatches())
    await this.#producer.commit({ batches, group: this.#processor.name, offsets: this.#offsets() })
    this.#delay.committed()
    this.#uncommitted = 0
    this.#uncommittedData = false
    this.#lastCommit = performance.now()
    this.#metrics.emitted.add(emitted)
    this.#metrics.commits.add(1)
    this.#metrics.stateKeys.set(this.#state.size)
    if (!checkpoint) return
    this.#metrics.checkpoints.add(1)
    this.#neverCheckpointed = false
    this.#lastCheckpoint = this.#lastCommit
    this.#bytesAtCheckpoint = this.#takenBytes()
  }

  #checkpointBatches() {
    const checkpoint = {
      version: this.#processor.state.version,
      inputs: this.#merge.inputs.map((input) => input.save()),
      forwarded: [...this.#forwarded],
      stated: this.#stated,
    }
    return this.#stateTopic.batches(this.#state, checkpoint, this.#lastTimestamp)
  }

  #offsets(): CommittedOffset[] {
    const { inputs } = this.#merge
    const tables = inputs.filter(({ isTable }) => isTable)
    const streams = inputs.filter(({ isTable }) => !isTable)
    // Only one instance may commit a table's offset under the group's name; the others know theirs from the metadata.
    return [...streams, ...(this.partition === 0 ? tables : [])].map((input, index) => {
      const { offset, last } = input.taken
      const metadata: OffsetMetadata = {}
      if (last !== null) metadata.last = last
      if (index === 0 && tables.length > 0) metadata.tables = tables.map((input) => tableEntry(input))
      const kept = Object.keys(metadata).length > 0
      const { topic, partition } = input
      return { topic, partition, offset, metadata: kept ? JSON.stringify(metadata) : '' }
    })
  }

  /** What this instance has committed, by input; null when nothing. */
  #committedPlaces(all: CommittedOffset[]): Map<string, TakenPlace> | null {
    const places = new Map<string, TakenPlace>()
    for (const input of this.#merge.inputs) {
      const found = all.find(({ topic, partition }) => topic === input.topic && partition === input.partition)
      // Tables are told by the first stream's metadata.
      if (found === undefined || input.isTable) continue
      const { last = null, tables = [] } = (found.metadata === '' ? {} : JSON.parse(found.metadata)) as OffsetMetadata
      places.set(nameOf(input), { offset: found.offset, last })
      for (const [topic, partition, offset, last = null] of tables) {
        places.set(nameOf({ topic, partition }), { offset, last })
      }
    }
    return places.size === 0 ? null : places
  }

  #takenBytes(): number {
    let bytes = 0
    for (const input of this.#merge.inputs) bytes += input.takenBytes
    return bytes
  }

  #input(topic: string, partition: number): InputPartition | undefined {
    return this.#merge.inputs.find((input) => input.topic === topic && input.partition === partition)
  }

  async #partitionsOf(topic: string): Promise<number | undefined> {
    return (await this.#context.log.describeTopics()).find((other) => other.topic === topic)?.partitions
  }
}

/** A host that comes back after its end is news too. */
function advances(before: Progress | null, now: Progress): boolean {
  return before === null || compare(now, before) > 0 || (before.final !== now.final && compare(now, before) >= 0)
}

function tableEntry({ topic, partition, taken: { offset, last } }: InputPartition): TableEntry {
  return last === null ? [topic, partition, offset] : [topic, partition, offset, last]
}

function nameOf(at: { topic: string; partition: number }): string {
  return `${at.topic}/${at.partition}`
}
