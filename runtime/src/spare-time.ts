import { readFileSync, readlinkSync } from 'node:fs'
import { IdleShare } from './idle-share.js'

/** Less than this on the processor or waiting for it says nothing yet. Milliseconds. */
const littleMs = 4
/** A thread that waited for less than this share of the time it wanted to run has the machine to itself. */
const contended = 0.15
/**
 * How long to stand back for each millisecond it ran when all of the time it wanted to run was spent waiting; less in
 * proportion. And at most: the share of a processor that is left to it is small, but an output that falls behind must
 * not stand still. A pass of the stages runs for 50 to 250 ms.
 */
const pausePerMs = 24
const longestPauseMs = 2_500
/**
 * Who is further behind than this stands back for less, in proportion, down to an eighth: on a machine that is busy for
 * good, outputs must not fall behind for good. Milliseconds.
 */
const patienceMs = 30_000
const leastOfPause = 1 / 8
/**
 * Where so much of the processors' time is wanted by nobody, others lose nothing: who waits for this thread's processor
 * finds another. With less idle it stands back in proportion, and in full at `scarceIdle`, which even a saturated
 * machine has left, between its programs' turns.
 */
const plentyIdle = 0.25
const scarceIdle = 0.15

/** Time a thread spent running and waiting for a processor since its start, nanoseconds. */
export interface RunAndWait {
  ran: number
  waited: number
}

/**
 * Keeps a thread to the time nobody else wants. A low priority does that only against threads that the scheduler
 * compares it with: with autogroups (sched(7)), the default of most distributions, every session gets an equal share,
 * whatever the priorities in it. So this looks at how long the thread had to wait for a processor: a thread that waits
 * while hardly any processor is idle is in somebody's way, and stands back for several times the time it took.
 */
export class SpareTime {
  readonly #read: () => RunAndWait
  readonly #idle: { readonly share: number }
  #last: RunAndWait

  /** For the calling thread and the processors it may use, unless told where to read. */
  constructor(read: () => RunAndWait = schedulerTimes(), idle: { readonly share: number } = new IdleShare()) {
    this.#read = read
    this.#idle = idle
    this.#last = read()
  }

  /**
   * Milliseconds to stand back now; 0 when nobody else wants the processor. Call it between pieces of work.
   * @param behindMs how old the events are that are worked on, milliseconds
   */
  pause(behindMs = 0): number {
    const now = this.#read()
    const ran = (now.ran - this.#last.ran) / 1e6
    const waited = (now.waited - this.#last.waited) / 1e6
    if (ran + waited < littleMs) return 0
    this.#last = now
    const share = waited / (ran + waited)
    if (share < contended) return 0
    const scarcity = Math.max(0, Math.min(1, (plentyIdle - this.#idle.share) / (plentyIdle - scarceIdle)))
    const patience = Math.max(leastOfPause, Math.min(1, patienceMs / behindMs))
    return Math.min(longestPauseMs, ran * pausePerMs * share) * scarcity * patience
  }
}

/** Reads /proc/<pid>/task/<tid>/schedstat of the calling thread (Documentation/scheduler/sched-stats.rst). */
function schedulerTimes(): () => RunAndWait {
  const path = `/proc/${readlinkSync('/proc/thread-self')}/schedstat`
  return () => {
    const [ran = 0, waited = 0] = readFileSync(path, 'latin1').split(' ').map(Number)
    return { ran, waited }
  }
}
