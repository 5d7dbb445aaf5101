import type { ContainerRun, HeldAddress } from './container-run.js'

/**
 * Runtimes note a start a little after the program runs (Docker's StartedAt is taken when runc has returned): what
 * nobody had at a time may be its next holder's. Microseconds.
 */
export const startSlackUs = 2_000_000

/** How an address was held at a time: by the letter of the records, or by one whose start was noted just after. */
export type Holding = 'at' | 'soon'

/** How a container held an address at a time, in microseconds since the Unix epoch; null when it did not. */
export function holding(run: ContainerRun, held: HeldAddress, time: number): Holding | null {
  if (ended(run.to, time) || ended(held.to, time)) return null
  const from = Math.max(run.from, held.from)
  if (from <= time) return 'at'
  return from <= time + startSlackUs ? 'soon' : null
}

/** As `holding`, of the container itself. */
export function running(run: ContainerRun, time: number): Holding | null {
  if (ended(run.to, time)) return null
  if (run.from <= time) return 'at'
  return run.from <= time + startSlackUs ? 'soon' : null
}

/** Keeps those of the letter, when there are any. */
export function certain<T extends { how: Holding }>(found: readonly T[]): readonly T[] {
  const at = found.filter((one) => one.how === 'at')
  return at.length > 0 ? at : found
}

function ended(to: number | null, time: number): boolean {
  return to !== null && to < time
}
