import { deserialize, serialize } from 'node:v8'
import type { ProcessSeen } from '@syscribe/schemas'

/** What is remembered of a process until it exits, keyed by `processKey`. */
export interface KnownProcess {
  /** Tells a process from a later one with the same pid: clock ticks since boot. */
  processStart: number
  /** The image not yet written down, with when it must be. */
  held: HeldImage | null
  /** Fingerprint of the image written last; null when none was. */
  written: string | null
  /** Time of the newest image, to know a repeated record by: microseconds, and nanoseconds beyond. */
  time: number
  timeNanos: number
}

export interface HeldImage {
  image: ProcessSeen
  /** Milliseconds since the Unix epoch. */
  deadline: number
  /** Offset of the record that began the wait: the order among equal deadlines. */
  offset: number
}

/** Key of a pid on one boot of one host. */
export function processKey(process: { host: string; boot: Uint8Array; pid: number }): string {
  return `${hostKey(process)}/${process.pid}`
}

/** Key of one boot of one host. */
export function hostKey(process: { host: string; boot: Uint8Array }): string {
  return `${process.host}/${Buffer.from(process.boot).toString('hex')}`
}

/** Structured clone bytes: readable by every later Node; a Buffer comes back as one. */
export const knownProcessFormat = {
  version: 1,
  encode: (value: KnownProcess): Uint8Array => serialize(value),
  decode: (bytes: Buffer): KnownProcess => deserialize(bytes) as KnownProcess,
}
