import { processCost } from './process-cost.js'

/** CPU seconds that these processes have used so far, in all. */
export function costOfAll(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + processCost(pid).cpuSeconds, 0)
}

/** Runs parts until `done`, at a look each so many milliseconds. @throws after `patienceMs` with what `explain` says */
export async function lookUntil(
  done: () => boolean | Promise<boolean>,
  everyMs: number,
  explain: () => string,
): Promise<void> {
  const patienceMs = 60_000
  const end = performance.now() + patienceMs
  while (!(await done())) {
    if (performance.now() > end) throw new Error(`not done after ${patienceMs / 1000} s: ${explain()}`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
