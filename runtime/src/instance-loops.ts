import { LogError } from '@syscribe/log'
import { all, endOpenTransactions } from './end-open-transactions.js'
import type { Processor } from './processor.js'
import { ProcessorStage } from './processor-stage.js'
import type { StageContext } from './stage-context.js'
import { StageLoop, type StageState } from './stage-loop.js'

/** Each waits for the brokers by itself, some seconds. */
const openAttempts = 3

/** The instances of a processor, each in a loop of its own: none waits for what another commits. */
export class InstanceLoops<S> {
  readonly #context: StageContext
  readonly #processor: Processor<S>
  readonly #loops = new Map<number, StageLoop>()
  #assigning: Promise<void> = Promise.resolve()
  #ending: Promise<void> | null = null
  #settle!: { resolve: () => void; reject: (fault: unknown) => void }
  /** Rejects when a fault ends them; resolves when all were stopped. */
  readonly done: Promise<void>

  constructor(context: StageContext, processor: Processor<S>) {
    this.#context = context
    this.#processor = processor
    this.done = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    this.done.catch(() => {})
  }

  /** Ends the instances of other partitions, then begins those that are not there yet. @throws LogError */
  assign(partitions: readonly number[]): Promise<void> {
    const assigning = this.#assigning.then(() => this.#assign(partitions))
    this.#assigning = assigning.catch(() => {})
    return assigning
  }

  async #assign(partitions: readonly number[]): Promise<void> {
    await this.#remove((partition) => !partitions.includes(partition))
    for (let attempt = 1; ; attempt++) {
      if (this.#ending !== null) return
      const added = partitions.filter((partition) => !this.#loops.has(partition))
      try {
        await endOpenTransactions(this.#context.log, this.#processor.name, added)
        // Opening is waiting for brokers: side by side it takes as long as one.
        await all(added.map((partition) => this.#add(partition)))
        return
      } catch (error) {
        // A dead process may have left transactions open that others, who are slower, have to end.
        if (!(error instanceof LogError) || error.code !== 'unavailable' || attempt === openAttempts) throw error
        this.#context.logger.warn({ part: this.#processor.name, err: error }, 'partitions cannot be opened yet')
      }
    }
  }

  states(): readonly StageState[] {
    return [...this.#loops.values()].flatMap((loop) => loop.states())
  }

  /** Ends them all with this fault. */
  fail(fault: unknown): void {
    this.#settle.reject(fault)
    this.stop().catch(() => {})
  }

  /** @throws RuntimeError `not_drained` */
  async drain(): Promise<void> {
    await this.#assigning
    await all([...this.#loops.values()].map((loop) => loop.drain()))
  }

  /** Commits, and closes everything. @throws what a stage throws on closing */
  stop(): Promise<void> {
    this.#ending ??= all([this.#remove(() => true), this.#assigning]).finally(() => this.#settle.resolve())
    return this.#ending
  }

  async #add(partition: number): Promise<void> {
    const loop = new StageLoop(this.#context)
    await loop.add(this.#processor.name, 0, () => ProcessorStage.open(this.#context, this.#processor, partition))
    if (this.#ending !== null) return loop.stop()
    this.#loops.set(partition, loop)
    loop.start()
    loop.done.catch((fault: unknown) => this.fail(fault))
  }

  async #remove(choose: (partition: number) => boolean): Promise<void> {
    const gone = [...this.#loops].filter(([partition]) => choose(partition))
    for (const [partition] of gone) this.#loops.delete(partition)
    await all(gone.map(([, loop]) => loop.stop()))
  }
}
