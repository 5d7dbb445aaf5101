import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

export interface LineCount {
  /** Requests and responses seen whole. */
  requests: number
  responses: number
  /** Messages with bytes missing. */
  incomplete: number
}

/** Counts the messages of an HTTP log by reading every line. */
export async function countLines(path: string, direction?: 'send' | 'recv'): Promise<LineCount> {
  const count = { requests: 0, responses: 0, incomplete: 0 }
  for await (const text of createInterface({ input: createReadStream(path) })) {
    const line = JSON.parse(text)
    if (line.event_type === 'connection' || (direction !== undefined && line.direction !== direction)) continue
    if (!line.complete) count.incomplete++
    else if (line.status_code === undefined) count.requests++
    else count.responses++
  }
  return count
}
