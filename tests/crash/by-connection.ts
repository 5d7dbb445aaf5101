import type { Line } from '../harness/syscribe.js'

/** A line as it stands in the file. */
export function textOf(line: Line): string {
  return JSON.stringify(line)
}

/** The lines of each connection, as each program saw it, in their order. */
export function byConnection(lines: readonly Line[]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const line of lines) {
    const key = `${line.connection_id} ${line.pid}`
    found.set(key, [...(found.get(key) ?? []), textOf(line)])
  }
  return found
}
