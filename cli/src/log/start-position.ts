import type { Log } from '@syscribe/log'
import { CliError } from '../cli-error.js'

/** Where to begin in a topic: its ends, an offset of its partition, or a time (ms since the Unix epoch). */
export type StartPosition = 'earliest' | 'latest' | { offset: number } | { time: number }

const units: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * @param text `earliest`, `latest`, an offset (`1200`), a time (`2026-11-23T10:00:00Z`) or an age (`10m`, `2h`).
 * @param option named in the error.
 * @throws CliError `usage`
 */
export function parseStartPosition(text: string, now: number, option = '--from'): StartPosition {
  if (text === 'earliest' || text === 'latest') return text
  if (/^\d+$/.test(text)) return { offset: Number(text) }
  const age = /^(\d+)([smhd])$/.exec(text)
  if (age !== null) return { time: now - Number(age[1]) * (units[age[2] ?? ''] ?? 0) }
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return { time }
  throw new CliError(
    'usage',
    `${option} ${JSON.stringify(text)} is neither earliest, latest, an offset (1200), a time (2026-11-23T10:00:00Z) nor an age (10m)`,
  )
}

/** The offset of that position in one partition. */
export async function resolveStart(
  log: Log,
  topic: string,
  partition: { partition: number; start: number; end: number },
  position: StartPosition,
): Promise<number> {
  if (position === 'earliest') return partition.start
  if (position === 'latest') return partition.end
  // What retention has taken cannot be shown: begin with the oldest there is.
  if ('offset' in position) return Math.max(position.offset, partition.start)
  return log.offsetForTime(topic, partition.partition, position.time)
}
