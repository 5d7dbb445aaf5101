import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

export interface LineCount {
  /** Requests and responses seen whole. */
  requests: number
  responses: number
  /** Messages with bytes missing. */
  incomplete: number
}

/** Counts the messages of an HTTP log by reading every line; what follows the last line break is still being written. */
export async function countLines(path: string, direction?: 'send' | 'recv'): Promise<LineCount> {
  const count = { requests: 0, responses: 0, incomplete: 0 }
  for await (const text of wholeLines(path)) {
    const line = JSON.parse(text)
    if (line.event_type === 'connection' || (direction !== undefined && line.direction !== direction)) continue
    if (!line.complete) count.incomplete++
    else if (line.status_code === undefined) count.requests++
    else count.responses++
  }
  return count
}

async function* wholeLines(path: string): AsyncGenerator<string> {
  let before: string | undefined
  let ends = false
  const input = createReadStream(path, 'utf8')
  input.on('data', (text) => {
    ends = text.at(-1) === '\n'
  })
  for await (const line of createInterface({ input })) {
    if (before !== undefined) yield before
    before = line
  }
  if (before !== undefined && ends) yield before
}
