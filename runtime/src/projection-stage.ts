import type { CommittedOffset, Producer } from '@syscribe/log'
import type { Logger } from 'pino'
import { CommitDelay } from './commit-delay.js'
import { DeadLetters } from './dead-letters.js'
import type { InputPartition } from './input-partition.js'
import { InputReader } from './input-reader.js'
import { KeyedStateMap } from './keyed-state-map.js'
import { Merge } from './merge.js'
import { metricsOfPart, type PartMetrics } from './metrics.js'
import { openInputs } from './open-inputs.js'
import type { Projection, ProjectionInstance, ProjectionSettings } from './projection.js'
import { recordClass } from './readable-schema.js'
import { type ReplayStart, startOffset } from './replay-start.js'
import type { Stage, StagePosition } from './stage.js'
import type { StageContext } from './stage-context.js'
import { StateTopic, stateTopicName, targetDigest } from './state-topic.js'

/** How often an idle projection is asked to flush, milliseconds. */
const idleFlushMs = 500
/** When nothing has come for so long, milliseconds, everything is committed. */
const quietMs = 1_000

/** A projection with where it writes. */
export interface ProjectionTask<S = unknown> {
  projection: Projection<S>
  /** A path. One checkpoint is kept per projection and target. */
  target: string
  settings: ProjectionSettings
}

/** Engines take names of groups up to this length. */
const maxGroupLength = 249

/** Name of the consumer group, and of the part, of a projection for one target: `<name>@<target>`. */
export function projectionGroup(name: string, target: string): string {
  const group = `${name}@${target}`
  // A path may be longer, or hold what a name may not.
  return group.length <= maxGroupLength && !hasControl(target) ? group : `${name}@${targetDigest(target)}`
}

function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) < 32) return true
  return false
}

/** One projection: all partitions of its topics into one target. */
export class ProjectionStage<S> implements Stage {
  readonly part: string
  readonly partition = 0
  readonly #context: StageContext
  readonly #projection: Projection<S>
  readonly #target: string
  readonly #state: KeyedStateMap<S>
  readonly #logger: Logger
  readonly #metrics: PartMetrics
  readonly #delay: CommitDelay
  readonly #visit = (input: InputPartition) => this.#take(input)
  #merge!: Merge
  #reader!: InputReader
  #producer!: Producer
  #stateTopic!: StateTopic
  #deadLetters!: DeadLetters
  #instance: ProjectionInstance<S> | undefined

  #metadata: string | null = null
  /** Records taken since the last commit that the projection saw. */
  #applied = 0
  #uncommitted = 0
  #lastTimestamp = 0
  #lastTaken = performance.now()
  #lastCommit = performance.now()
  #lastFlush = performance.now()
  #bytesAtCommit = 0

  private constructor(context: StageContext, { projection, target }: ProjectionTask<S>) {
    this.part = projectionGroup(projection.name, target)
    this.#context = context
    this.#projection = projection
    this.#target = target
    this.#state = new KeyedStateMap(projection.state)
    this.#logger = context.logger.child({ part: this.part })
    this.#metrics = metricsOfPart(context.metrics, this.part)
    this.#delay = new CommitDelay(context.metrics, this.part)
  }

  /**
   * Opens the output where the last commit left it, or anew to read from `start`.
   * @throws LogError, ProjectionError `target_unwritable`
   */
  static async open<S>(
    context: StageContext,
    task: ProjectionTask<S>,
    start: ReplayStart = 'earliest',
  ): Promise<ProjectionStage<S>> {
    const stage = new ProjectionStage(context, task)
    try {
      await stage.#open(task.settings, start)
      return stage
    } catch (error) {
      await stage.abandon()
      throw error
    }
  }

  async #open(settings: ProjectionSettings, start: ReplayStart): Promise<void> {
    const { log, policy, schemas } = this.#context
    const { name, topics, state } = this.#projection
    const logger = this.#logger
    this.#producer = await log.producer({ transactionalId: this.part })
    const chosen = topics.map((topic) => ({ topic, partitions: 'all' as const }))
    this.#merge = new Merge(await openInputs(log, this.part, chosen, [], policy.heldBytes))
    this.#deadLetters = await DeadLetters.open(log, this.part, logger, this.#metrics.deadLetters)
    this.#stateTopic = await StateTopic.open(log, stateTopicName(name, this.#target), 0, 1)

    const committed = await this.#producer.committed(this.part)
    const checkpoint = await this.#stateTopic.restore(
      { log, logger },
      state.version,
      this.#state,
      committed.length === 0,
    )
    if (checkpoint !== null) {
      this.#metadata = committed.find(({ metadata }) => metadata !== '')?.metadata ?? null
      for (const saved of checkpoint.inputs) {
        this.#merge.inputs
          .find(({ topic, partition }) => topic === saved.topic && partition === saved.partition)
          ?.restore(saved)
      }
    } else {
      if (committed.length > 0) {
        logger.warn('the kept state is of another version: the output is built anew from the oldest record')
      }
      for (const input of this.#merge.inputs) input.seek(await startOffset(log, input, start))
    }
    this.#reader = await InputReader.open({
      log,
      inputs: this.#merge.inputs,
      schemas,
      aheadBytes: policy.aheadBytes,
      logger,
      expired: this.#metrics.expired,
    })
    const warn = settings.warn ?? ((warning: string) => logger.warn(warning))
    this.#instance = await this.#projection.open(this.#target, this.#metadata, { ...settings, warn })
    const { begun } = this.#instance
    if (this.#metadata === null && begun !== undefined) await this.#commitFlushed(begun)
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
    const { commitMs, commitBytes } = this.#context.policy
    const due = this.#takenBytes() - this.#bytesAtCommit >= commitBytes || started - this.#lastCommit >= commitMs
    if (due && (this.#applied > 0 || this.#deadLetters.waiting)) await this.#commit(false)
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
    const now = performance.now()
    const { commitMs } = this.#context.policy
    if (this.#applied > 0 || this.#deadLetters.waiting) {
      const wait = this.#lastCommit + commitMs - now
      if (wait > 0) return wait
      await this.#commit(false)
    } else if (now - this.#lastFlush >= idleFlushMs) await this.#flushIdle()
    return Math.max(1, this.#lastFlush + idleFlushMs - performance.now())
  }

  async flush(): Promise<void> {
    if (this.#uncommitted > 0 || this.#deadLetters.waiting) await this.#commit(false)
  }

  /** Takes no record from these offsets on; inputs not named have no limit. */
  limitTo(ends: ReadonlyMap<string, number>): void {
    for (const input of this.#merge.inputs) {
      input.limitTo(ends.get(`${input.topic}/${input.partition}`) ?? Number.POSITIVE_INFINITY)
    }
  }

  end(): void {
    for (const input of this.#merge.inputs) input.end()
  }

  async finish(): Promise<void> {
    await this.flush()
  }

  async close(): Promise<void> {
    try {
      await this.#commit(true)
    } finally {
      await this.abandon()
    }
  }

  async abandon(): Promise<void> {
    const instance = this.#instance
    this.#instance = undefined
    await instance?.close()
    await this.#reader?.close()
    await this.#producer?.close()
  }

  positions(): StagePosition[] {
    return this.#merge.inputs.map(({ topic, partition, next, reached }) => ({ topic, partition, next, reached }))
  }

  #take(input: InputPartition): void {
    if (input.class === recordClass.data) {
      this.#delay.took(input.timestamp)
      try {
        this.#instance!.apply(input, this.#state)
      } catch (fault) {
        this.#deadLetters.add(input, fault, false)
      }
      this.#applied++
    } else if (input.class === recordClass.watermark) input.applyWatermark()
    else if (input.class === recordClass.unknown) this.#metrics.unknown.add(1)
    else if (input.class === recordClass.unreadable) {
      this.#deadLetters.add(input, input.fault ?? 'record_invalid: the record cannot be read', false)
    }
    this.#lastTimestamp = input.timestamp
    input.pop()
  }

  /** What waits for its time, such as a map written now and then, may be written without a record. */
  async #flushIdle(): Promise<void> {
    const metadata = await this.#instance!.flush(this.#state, false)
    this.#lastFlush = performance.now()
    const changed = metadata !== this.#metadata || this.#state.changedSize > 0
    if (changed || (this.#uncommitted > 0 && this.#offsetsDue(this.#lastFlush))) await this.#commitFlushed(metadata)
  }

  /** While watermarks come and nothing else, their offsets are committed now and then where that has its price. */
  #offsetsDue(now: number): boolean {
    const { watermarksAlone, checkpointMs } = this.#context.policy
    return !watermarksAlone || now - this.#lastTaken >= quietMs || now - this.#lastCommit >= checkpointMs
  }

  async #commit(last: boolean): Promise<void> {
    const metadata = await this.#instance!.flush(this.#state, last)
    this.#lastFlush = performance.now()
    await this.#commitFlushed(metadata)
  }

  async #commitFlushed(metadata: string): Promise<void> {
    const { inputs } = this.#merge
    const checkpoint = {
      version: this.#projection.state.version,
      inputs: inputs.map((input) => input.save()),
      forwarded: [],
      stated: null,
    }
    const batches = [
      ...this.#deadLetters.take(),
      ...this.#stateTopic.batches(this.#state, checkpoint, this.#lastTimestamp),
    ]
    const offsets: CommittedOffset[] = inputs.map(({ topic, partition, next }, index) => ({
      topic,
      partition,
      offset: next,
      metadata: index === 0 ? metadata : '',
    }))
    await this.#producer.commit({ batches, group: this.part, offsets })
    this.#delay.committed()
    this.#metadata = metadata
    this.#applied = 0
    this.#uncommitted = 0
    this.#lastCommit = performance.now()
    this.#bytesAtCommit = this.#takenBytes()
    this.#metrics.commits.add(1)
    this.#metrics.stateKeys.set(this.#state.size)
  }

  #takenBytes(): number {
    let bytes = 0
    for (const input of this.#merge.inputs) bytes += input.takenBytes
    return bytes
  }
}
