import { SchemaError } from '@syscribe/schemas'

/** A time of the log: microseconds since the Unix epoch and nanoseconds beyond, which one double cannot hold together. */
export type Moment = readonly [micros: number, nanos: number]

/** @throws SchemaError `record_invalid` for what is no time. */
export function momentOf(micros: number, nanos: number): Moment {
  if (!Number.isSafeInteger(micros)) throw new SchemaError('record_invalid', `time ${micros} is no time`)
  return [micros, nanos]
}

export function isBefore(one: Moment, other: Moment): boolean {
  return one[0] < other[0] || (one[0] === other[0] && one[1] < other[1])
}

/** The second last written: neighbours in time are written together. */
let textSecond = Number.NaN
let text = ''

/** RFC 3339 in UTC with nine digits of the second. */
export function momentText([micros, nanos]: Moment): string {
  const second = Math.floor(micros / 1_000_000)
  const rest = (micros - second * 1_000_000) * 1000 + Math.min(999, Math.max(0, nanos))
  if (second !== textSecond) {
    text = new Date(second * 1000).toISOString().slice(0, 19)
    textSecond = second
  }
  return `${text}.${String(rest).padStart(9, '0')}Z`
}
