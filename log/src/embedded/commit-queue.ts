import type { Change, Store } from './store.js'

/**
 * One caller's part of a commit: called when the commit is put together, after all earlier plans, it says what changes.
 * Throwing rejects this plan only; it must then have noted nothing.
 */
export type Plan<T> = () => { changes: Change[]; result: T }

/** Bytes of values after which a commit takes no further plans. */
const commitBytes = 16 * 1024 * 1024

interface Waiting {
  plan: Plan<unknown>
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** Group commit: what is submitted while one commit is being written goes into the next, all together. */
export class CommitQueue {
  readonly #store: Store
  #waiting: Waiting[] = []
  #running: Promise<void> | null = null
  readonly #settled: (committed: boolean) => void

  /** `settled` is called after each commit, before its promises settle; false: nothing of it happened. */
  constructor(store: Store, settled: (committed: boolean) => void) {
    this.#store = store
    this.#settled = settled
  }

  submit<T>(plan: Plan<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ plan, resolve: resolve as (value: unknown) => void, reject })
      this.#running ??= this.#run()
    })
  }

  /** Resolves when nothing is waiting. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  async #run(): Promise<void> {
    // Callers of the same turn share the first commit.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#commitSome()
    this.#running = null
  }

  async #commitSome(): Promise<void> {
    const changes: Change[] = []
    const included: { waiting: Waiting; result: unknown }[] = []
    let bytes = 0
    while (this.#waiting.length > 0 && bytes < commitBytes) {
      const waiting = this.#waiting.shift()!
      try {
        const prepared = waiting.plan()
        for (const change of prepared.changes) {
          changes.push(change)
          bytes += change.value?.length ?? 0
        }
        included.push({ waiting, result: prepared.result })
      } catch (error) {
        waiting.reject(error)
      }
    }
    let failure: unknown
    let committed = true
    if (changes.length > 0) {
      try {
        await this.#store.commit(changes)
      } catch (error) {
        committed = false
        failure = error
      }
    }
    this.#settled(committed)
    for (const { waiting, result } of included) {
      if (committed) waiting.resolve(result)
      else waiting.reject(failure)
    }
  }
}
