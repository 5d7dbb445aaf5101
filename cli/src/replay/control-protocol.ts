import { join } from 'node:path'
import type { ReplayStart } from '@syscribe/runtime'

/**
 * How `syscribe replay` asks a running `syscribe run`: a Unix socket in the data directory, the owner's only. One JSON
 * object a line: a request, then any number of `progress`, then `done` or `failed`.
 */
export type ControlRequest = { replay: ReplayOrder }

/** What to derive again, as it crosses the socket. */
export type ReplayOrder = { projection: string; from?: ReplayStart } | { processor: string }

export type ControlReply =
  | { event: 'progress'; records: number; of: number }
  | { event: 'done' }
  | { event: 'failed'; message: string }

export function controlSocket(dataDir: string): string {
  return join(dataDir, 'control')
}
