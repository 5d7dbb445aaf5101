import { statSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { countLines, type LineCount } from './count-lines.js'

/** So long without a new line, and it is said that lines are missing: seconds. Derivation stands back for others. */
const patience = 30

/**
 * Waits until the HTTP log has so many requests and responses, or no longer grows; what it has then. Lines are counted
 * only when the file has stood still for two seconds: counting costs the machine more than writing them did.
 */
export async function caughtUp(path: string, exchanges: number): Promise<LineCount> {
  let size = -1
  for (let still = 0; ; still++) {
    const now = statSync(path).size
    if (now !== size) still = 0
    size = now
    if (still >= 2) {
      const count = await countLines(path)
      if (Math.min(count.requests, count.responses) >= exchanges || still >= patience) return count
    }
    await wait(1000)
  }
}
