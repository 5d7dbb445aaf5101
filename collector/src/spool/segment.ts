import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { LogError } from '@syscribe/log'
import { frameHeaderBytes, frameLength, isWholeFrame } from './frame.js'

/** The first line of a segment: what its batches mean, whoever reads them later. */
export interface SegmentHeader {
  /** Identity of the spool: a new one begins at position 0 again. */
  spool: string
  /** Topics by their place in the rounds. */
  topics: readonly string[]
  /** Schemas by the ids in the batches, from 1. */
  schemas: readonly { topic: string; schema: object }[]
}

/** A file of the spool: a header line, then rounds. Its name is the position of its first round. */
export interface Segment {
  readonly path: string
  readonly header: SegmentHeader
  /** Bytes of the header line. */
  readonly headerBytes: number
  /** Position of its first round. */
  readonly start: number
  /** Position after its last whole round. */
  end: number
}

const suffix = '.rounds'

export function segmentPath(folder: string, start: number): string {
  return join(folder, `${String(start).padStart(16, '0')}${suffix}`)
}

export function headerLine(header: SegmentHeader): Buffer {
  return Buffer.from(`${JSON.stringify(header)}\n`)
}

/**
 * The segments of a folder, oldest first, as far as their rounds are whole: what a crash left half written at the end of
 * one does not count.
 */
export function readSegments(folder: string): Segment[] {
  const segments: Segment[] = []
  const names = readdirSync(folder).filter((name) => name.endsWith(suffix))
  for (const name of names.sort()) {
    const path = join(folder, name)
    const start = Number(name.slice(0, -suffix.length))
    const file = readFileSync(path)
    const headerBytes = file.indexOf('\n') + 1
    // The process died before the first line was written.
    if (headerBytes === 0) continue
    const header = JSON.parse(file.toString('utf8', 0, headerBytes)) as SegmentHeader
    let position = headerBytes
    while (isWholeFrame(file, position)) position += frameLength(file, position) as number
    if (position === headerBytes) continue
    segments.push({ path, header, headerBytes, start, end: start + position - headerBytes })
  }
  return segments
}

/**
 * Whole rounds of a segment from a position on: at least one, and then up to `maxBytes`.
 * @throws LogError `corrupt` when what was written is not what is there
 */
export function readRounds(segment: Segment, from: number, maxBytes: number): Buffer {
  const file = openSync(segment.path, 'r')
  try {
    const at = segment.headerBytes + from - segment.start
    const left = segment.end - from
    const head = read(file, at, Math.min(left, frameHeaderBytes))
    const first = frameLength(head, 0) ?? 0
    const buffer = read(file, at, Math.min(left, Math.max(first, maxBytes)))
    let end = 0
    while (isWholeFrame(buffer, end)) end += frameLength(buffer, end) as number
    if (end === 0) throw new LogError('corrupt', `${segment.path} has no whole round at byte ${at}`)
    return buffer.subarray(0, end)
  } finally {
    closeSync(file)
  }
}

function read(file: number, position: number, length: number): Buffer {
  // Not from the pool: its parts live as long as the batches.
  const buffer = Buffer.allocUnsafeSlow(length)
  let filled = 0
  while (filled < length) {
    const count = readSync(file, buffer, filled, length - filled, position + filled)
    if (count === 0) break
    filled += count
  }
  return buffer.subarray(0, filled)
}
