import { SchemaError } from '@syscribe/schemas'
import { type Fragment, fragment, LineBuffer } from './line-buffer.js'

let cachedSecond = Number.NaN
let cachedPrefix: Fragment = fragment('')

/**
 * Writes a time as RFC 3339 in UTC with nine digits of the second, without quotes.
 * @param time microseconds since the Unix epoch.
 * @param nanos nanoseconds beyond, 0 to 999.
 * @throws SchemaError `record_invalid` for a time outside the calendar's four-digit years.
 */
export function writeTimestamp(line: LineBuffer, time: number, nanos: number): void {
  const second = Math.floor(time / 1_000_000)
  if (second !== cachedSecond) {
    cachedPrefix = prefix(time, second)
    cachedSecond = second
  }
  line.fixed(cachedPrefix)
  line.padded(time - second * 1_000_000, 6)
  line.padded(nanos < 0 ? 0 : nanos > 999 ? 999 : nanos, 3)
  line.fixed(zulu)
}

const zulu = fragment('Z')

/** Up to and with the decimal point. */
function prefix(time: number, second: number): Fragment {
  if (!Number.isSafeInteger(time)) throw new SchemaError('record_invalid', `time ${time} is no time`)
  return fragment(`${new Date(second * 1000).toISOString().slice(0, 19)}.`)
}

const single = new LineBuffer(64)

/** As `writeTimestamp`, for where there are few. */
export function timestampText(time: number, nanos: number): string {
  single.clear()
  writeTimestamp(single, time, nanos)
  return single.written.toString('latin1')
}
