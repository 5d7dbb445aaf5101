import { setTimeout as sleep } from 'node:timers/promises'
import { KafkaFault } from './fault.js'

/** When to give up, and whether the log has been closed meanwhile. */
export interface Patience {
  /** On the clock of performance.now(). */
  until: number
  /** Aborted: the log or the producer is closed. */
  signal?: AbortSignal | undefined
}

/** First wait between attempts, ms. Transactions that follow one another are told to wait, mostly for a millisecond or two. */
const firstWaitMs = 2
const longestWaitMs = 500

/**
 * Tries until it works, a fault does not pass, or patience ends.
 * @throws the last fault
 */
export async function persist<T>(patience: Patience, attempt: () => Promise<T>): Promise<T> {
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof KafkaFault) || !error.passes) throw error
      if (patience.signal?.aborted || performance.now() + waitMs > patience.until) throw error
      await sleep(waitMs, undefined, { signal: patience.signal }).catch(() => undefined)
      if (patience.signal?.aborted) throw error
    }
  }
}
