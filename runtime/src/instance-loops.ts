import { all } from './all.js'
import { InstanceLoop } from './instance-loop.js'
import type { Processor } from './processor.js'
import type { StageContext } from './stage-context.js'
import type { StageState } from './stage-loop.js'

/** The instances of a processor, each in a loop of its own: none waits for what another commits. */
export class InstanceLoops<S> {
  readonly #context: StageContext
  readonly #processor: Processor<S>
  readonly #instances = new Map<number, InstanceLoop<S>>()
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

  /**
   * Ends the instances of other partitions, then begins those that are not there yet. Resolves when the others have
   * ended: beginning may have to wait until partitions are assigned anew, and they are when all members have answered.
   * @throws what a stage throws on closing
   */
  assign(partitions: readonly number[]): Promise<void> {
    const assigning = this.#assigning.then(async () => {
      await this.#end((partition) => !partitions.includes(partition))
      if (this.#ending !== null) return
      for (const partition of partitions) if (!this.#instances.has(partition)) this.#begin(partition)
    })
    this.#assigning = assigning.catch(() => {})
    return assigning
  }

  /** Waits until those that were assigned run. @throws LogError */
  async begun(): Promise<void> {
    await this.#assigning
    await all([...this.#instances.values()].map((instance) => instance.begun))
  }

  states(): readonly StageState[] {
    return [...this.#instances.values()].flatMap(({ loop }) => loop.states())
  }

  /** Ends them all with this fault. */
  fail(fault: unknown): void {
    this.#settle.reject(fault)
    this.stop().catch(() => {})
  }

  /** @throws RuntimeError `not_drained`, LogError */
  async drain(): Promise<void> {
    await this.begun()
    await all([...this.#instances.values()].map(({ loop }) => loop.drain()))
  }

  /** Commits, and closes everything. @throws what a stage throws on closing */
  stop(): Promise<void> {
    this.#ending ??= all([this.#end(() => true), this.#assigning]).finally(() => this.#settle.resolve())
    return this.#ending
  }

  #begin(partition: number): void {
    const instance = new InstanceLoop(this.#context, this.#processor, partition)
    this.#instances.set(partition, instance)
    instance.begun.then(() => instance.loop.done).catch((fault: unknown) => this.fail(fault))
  }

  async #end(choose: (partition: number) => boolean): Promise<void> {
    const gone = [...this.#instances].filter(([partition]) => choose(partition))
    for (const [partition] of gone) this.#instances.delete(partition)
    await all(gone.map(([, instance]) => instance.end()))
  }
}
