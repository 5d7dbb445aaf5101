import { setMaxListeners } from 'node:events'
import { type Log, LogError, type Reader } from '@syscribe/log'
import { faultText } from './dead-letters.js'
import { metricsOfPart } from './metrics.js'
import { RuntimeError } from './runtime-error.js'
import type { Stage } from './stage.js'
import type { StageContext } from './stage-context.js'

/** A stage and how to make it anew after a fault. */
interface Slot {
  readonly part: string
  readonly level: number
  readonly open: () => Promise<Stage>
  stage: Stage | null
  /** Faults that came soon after one another. */
  failures: number
  retryAt: number
  fault: unknown
}

export interface StageState {
  readonly part: string
  /** Null while it waits to be opened again after a fault. */
  readonly stage: Stage | null
  readonly fault: unknown
}

/** Passes are at least this far apart while there is little to do: many small commits cost more than few. Milliseconds. */
const paceMs = 25
/** A pass that took fewer records than this is little. */
const littleRecords = 2_000
const idleMs = 1_000
const firstRetryMs = 100
const lastRetryMs = 10_000
/** A stage that has run so long after a fault has got over it. */
const steadyMs = 2_000
/** A stage may fail this often in a row before `drain` gives up. */
const drainAttempts = 5
/** Faults of the log that no second attempt mends. */
export const fatalCodes = new Set(['fenced', 'locked', 'read_only', 'closed', 'corrupt', 'invalid'])

/**
 * Runs stages by turns in one thread: each one round a pass, level by level, so that what one emits the next takes in
 * the same pass. Stages of a level do not read from one another: their commits share the wait for the disk. Sleeps when
 * there is nothing to do. A stage that fails begins again from its last commit, after a growing pause; the others go on.
 */
export class StageLoop {
  readonly #context: StageContext
  readonly #slots: Slot[] = []
  readonly #waiting: { run: () => Promise<void>; reject: (error: unknown) => void }[] = []
  /** Called after every pass; returns in how many milliseconds it wants to be called again at the latest. */
  afterPass: () => Promise<number> = async () => Number.POSITIVE_INFINITY
  /**
   * Called after a pass that did something, with how far the parts that did it are behind the events, milliseconds;
   * returns how many milliseconds to leave the processor to others.
   */
  standBack: (behindMs: number) => number = () => 0
  #behindMs = 0
  #watch: Reader | null = null
  #stopping = false
  #sleep = new AbortController()
  #failure: { error: unknown } | null = null
  #running: Promise<void> | null = null

  constructor(context: StageContext) {
    this.#context = context
  }

  /** Rejects when a fault ends the loop; resolves when it was stopped. */
  get done(): Promise<void> {
    return this.#running ?? Promise.resolve()
  }

  /** Adds a stage; those it reads from have lower levels. @throws what `open` throws */
  async add(part: string, level: number, open: () => Promise<Stage>): Promise<void> {
    this.#slots.push({ part, level, open, stage: await open(), failures: 0, retryAt: 0, fault: null })
    this.#slots.sort((a, b) => a.level - b.level)
    await this.#dropWatch()
  }

  /** Closes a stage; call it in `between` when the loop runs. */
  async remove(stage: (stage: StageState) => boolean): Promise<void> {
    for (const slot of this.#slots.filter(stage)) {
      this.#slots.splice(this.#slots.indexOf(slot), 1)
      await slot.stage?.close()
    }
    await this.#dropWatch()
  }

  states(): readonly StageState[] {
    return this.#slots
  }

  start(): void {
    this.#running ??= this.#run()
    // Whoever asks for `done` sees the fault; without anybody asking it must not end the process.
    this.#running.catch(() => {})
  }

  /** Ends the loop with this fault after the pass that runs. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake()
  }

  /** Runs `work` between two passes. */
  between<T>(work: () => Promise<T>): Promise<T> {
    if (this.#stopping) return Promise.reject(ended())
    if (this.#running === null) return work()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ run: () => work().then(resolve, reject), reject })
      this.#wake()
    })
  }

  /** Runs until nothing in the log is left to take, and commits. @throws RuntimeError `not_drained` */
  drain(): Promise<void> {
    return this.between(async () => {
      const before = new Map(this.#slots.map((slot) => [slot, slot.failures]))
      for (let attempt = 0; ; ) {
        await new Promise((resolve) => setImmediate(resolve))
        const progress = await this.#pass()
        const failed = this.#slots.find((slot) => slot.stage === null)
        if (failed !== undefined) {
          if (failed.failures - (before.get(failed) ?? 0) >= drainAttempts) {
            const message = `${failed.part} failed ${failed.failures} times in a row: ${faultText(failed.fault)}`
            throw new RuntimeError('not_drained', message, { cause: failed.fault })
          }
          await sleep(Math.max(0, failed.retryAt - performance.now()))
          continue
        }
        if (progress > 0 || !(await this.#exhausted())) {
          attempt = 0
          continue
        }
        // Commits may fail too, and then there is more to do.
        for (const slot of this.#slots) await this.#attempt(slot, (stage) => stage.flush())
        if (attempt++ > 0 && this.#slots.every(({ stage }) => stage !== null)) return
      }
    })
  }

  /**
   * Treats the log's end as final: releases everything, stage by stage, with a final watermark. For a loop that was
   * not started.
   * @throws what a stage throws: there is no second attempt
   */
  async finish(signal?: AbortSignal): Promise<void> {
    const rounds = async (stage: Stage) => {
      while ((await stage.round()) > 0 || !(await stage.exhausted())) {
        signal?.throwIfAborted()
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    // By turns first, so that the downstream stages take in what is derived while it is at hand.
    for (let progress = 1; progress > 0; ) {
      progress = 0
      for (const { stage } of this.#slots) progress += await (stage as Stage).round()
      signal?.throwIfAborted()
      await new Promise((resolve) => setImmediate(resolve))
    }
    for (const slot of this.#slots) {
      const stage = slot.stage as Stage
      await rounds(stage)
      stage.end()
      await rounds(stage)
      await stage.finish()
    }
  }

  /** Ends the loop after the pass that runs, and closes every stage. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#wake()
    await this.#running?.catch(() => {})
    const faults: unknown[] = []
    for (const slot of this.#slots.splice(0)) await slot.stage?.close().catch((fault) => faults.push(fault))
    await this.#dropWatch()
    if (faults.length > 0) throw faults[0]
  }

  async #run(): Promise<void> {
    try {
      let settled = 0
      while (!this.#stopping) {
        if (this.#failure !== null) throw this.#failure.error
        for (const { run } of this.#waiting.splice(0)) {
          await run()
          settled = 0
        }
        const started = performance.now()
        const progress = await this.#pass()
        const wait = await this.afterPass()
        if (progress > 0) {
          settled = 0
          const pace = progress < littleRecords ? paceMs - (performance.now() - started) : 0
          const rest = Math.max(pace, this.standBack(this.#behindMs))
          if (rest > 0) await this.#pause(rest)
          else await new Promise((resolve) => setImmediate(resolve))
          continue
        }
        if (this.#tellNews) await this.#watching(() => this.#idle(Math.min(wait, idleMs)))
        // One more pass after the watch was set shows that nothing slipped in between.
        else if (settled++ === 0) await this.#watching(() => this.#watchEnds())
        else if (await this.#watching(() => this.#idle(Math.min(wait, idleMs)))) settled = 0
      }
      for (const { reject } of this.#waiting.splice(0)) reject(ended())
    } catch (error) {
      this.#stopping = true
      for (const { reject } of this.#waiting.splice(0)) reject(error)
      this.#context.logger.fatal({ err: error }, 'the parts have ended by a fault')
      throw error
    }
  }

  async #pass(): Promise<number> {
    let progress = 0
    this.#behindMs = 0
    const slots = this.#slots
    for (let start = 0, end = 0; start < slots.length; start = end) {
      const { level } = slots[start] as Slot
      while (slots[end]?.level === level) end++
      const together = slots.slice(start, end).map((slot) => this.#attempt(slot, (stage) => this.#round(stage)))
      for (const result of await Promise.allSettled(together)) {
        if (result.status === 'rejected') throw result.reason
        progress += result.value ?? 0
      }
    }
    return progress
  }

  async #round(stage: Stage): Promise<number> {
    const progress = await stage.round()
    // Who found nothing is not behind, however late its last commit was.
    if (progress > 0) this.#behindMs = Math.max(this.#behindMs, stage.behindMs)
    return progress
  }

  async #exhausted(): Promise<boolean> {
    for (const slot of this.#slots) {
      if ((await this.#attempt(slot, (stage) => stage.exhausted())) !== true) return false
    }
    return true
  }

  async #attempt<T>(slot: Slot, work: (stage: Stage) => Promise<T>): Promise<T | undefined> {
    try {
      if (slot.stage === null) {
        if (performance.now() < slot.retryAt) return undefined
        slot.stage = await slot.open()
        this.#context.logger.info({ part: slot.part }, 'begun again from the last commit')
      }
      const result = await work(slot.stage)
      // What a round takes is committed later: only a while without a fault shows that it went well.
      if (slot.failures > 0 && performance.now() - slot.retryAt > steadyMs) {
        slot.failures = 0
        slot.fault = null
      }
      return result
    } catch (fault) {
      if (fault instanceof LogError && fatalCodes.has(fault.code)) throw fault
      await this.#failed(slot, fault)
      return undefined
    }
  }

  async #failed(slot: Slot, fault: unknown): Promise<void> {
    const { logger, metrics } = this.#context
    const pause = Math.min(lastRetryMs, firstRetryMs * 2 ** slot.failures++)
    slot.fault = fault
    slot.retryAt = performance.now() + pause
    metricsOfPart(metrics, slot.part).failures.add(1)
    logger.error({ part: slot.part, err: fault, retryMs: pause }, 'a part failed; it begins again from its last commit')
    const stage = slot.stage
    slot.stage = null
    await stage?.abandon().catch((error: unknown) => logger.warn({ part: slot.part, err: error }, 'closing failed too'))
  }

  /** A log that is away while there is nothing to do is no fault of any part: the watch is set anew when it is back. */
  async #watching<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (fault) {
      if (!(fault instanceof LogError) || fatalCodes.has(fault.code)) throw fault
      this.#context.logger.warn({ err: fault, retryMs: idleMs }, 'cannot look for news in the log; it is tried again')
      await this.#dropWatch().catch(() => {})
      await this.#pause(idleMs)
      return undefined
    }
  }

  async #watchEnds(): Promise<void> {
    this.#watch ??= await this.#context.log.reader({ maxBytes: 1 })
    const inputs = this.#slots.flatMap(({ stage }) => stage?.positions() ?? [])
    const positions = [...new Map(inputs.map((at) => [`${at.topic}/${at.partition}`, at])).values()]
    await this.#watch.assign(positions.map(({ topic, partition }) => ({ topic, partition, offset: 'latest' })))
  }

  /** Does what is due by time, then sleeps until news or the next due time. Returns whether there is news. */
  async #idle(atMost: number): Promise<boolean> {
    let wait = atMost
    const watch = this.#watch
    if (watch === null && !this.#tellNews) return true
    for (const slot of this.#slots) {
      wait = Math.min(wait, (await this.#attempt(slot, (stage) => stage.settle())) ?? wait)
      if (slot.stage === null) wait = Math.min(wait, Math.max(1, slot.retryAt - performance.now()))
    }
    if (this.#stopping || this.#waiting.length > 0) return false
    this.#sleep = new AbortController()
    const options = { waitMs: Math.ceil(wait), signal: this.#sleep.signal }
    return watch === null ? this.#firstNews(options) : (await watch.poll(options)).length > 0
  }

  /** The stages tell themselves when the log has something for them. */
  get #tellNews(): boolean {
    return this.#slots.every(({ stage }) => stage === null || stage.news !== null)
  }

  async #firstNews({ waitMs, signal }: { waitMs: number; signal: AbortSignal }): Promise<boolean> {
    const over = new AbortController()
    const options = { waitMs, signal: AbortSignal.any([signal, over.signal]) }
    // One listener for each stage, which is no leak.
    setMaxListeners(0, options.signal)
    const all = this.#slots.flatMap(({ stage }) => stage?.news?.(options) ?? [])
    if (all.length === 0) {
      await sleep(waitMs, signal)
      return false
    }
    try {
      return await Promise.race(all)
    } finally {
      over.abort()
      await Promise.allSettled(all)
    }
  }

  async #pause(ms: number): Promise<void> {
    this.#sleep = new AbortController()
    if (this.#stopping || this.#waiting.length > 0) return
    await sleep(ms, this.#sleep.signal)
  }

  #wake(): void {
    this.#sleep.abort()
  }

  async #dropWatch(): Promise<void> {
    const watch = this.#watch
    this.#watch = null
    await watch?.close()
  }
}

function ended(): RuntimeError {
  return new RuntimeError('closed', 'the parts have ended')
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', wake)
      resolve()
    }
    const timer = setTimeout(wake, ms)
    signal?.addEventListener('abort', wake)
    if (signal?.aborted) wake()
  })
}

/** For the status of parts: where each input ends now. */
export async function logEnds(log: Log): Promise<Map<string, number>> {
  const ends = new Map<string, number>()
  for (const { topic, offsets } of await log.describeTopics()) {
    for (const { partition, end } of offsets) ends.set(`${topic}/${partition}`, end)
  }
  return ends
}
