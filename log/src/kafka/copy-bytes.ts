/** Below this, calling into the runtime costs more than the loop. */
const byHand = 48

/** Copies `source` from `start` to below `end` to `position`; returns the position after it. */
export function copyBytes(source: Buffer, start: number, end: number, to: Buffer, position: number): number {
  if (end - start > byHand) {
    source.copy(to, position, start, end)
    return position + end - start
  }
  let at = position
  for (let from = start; from < end; from++) to[at++] = source[from]!
  return at
}
